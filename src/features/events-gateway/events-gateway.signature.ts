import { timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { SignedMessage } from '../../generated/aerie/events_gateway/v1/events_gateway';
import { Clock } from '../../shared/clock/clock';
import { Config } from '../../shared/config/config';
import { bothSpellings } from '../../shared/contract/signed-call';
import { signedEvent } from './events-gateway.api';
import { signatureInvalid } from './events-gateway.errors';
import { HmacSha256 } from './events-gateway.mac';

const windowSeconds = 300;
const maxSignatures = 4;
const hexSignature = /^[0-9a-fA-F]{64}$/;
const webhookSignature = /^v1,([A-Za-z0-9+/]{43}=)$/;
const webhookPrefix = 'v1,';

/**
 * Verifies HMAC-SHA256 over `<id>.<timestamp>.<body>` in both spellings: hexadecimal under a named key, and Standard
 * Webhooks (https://www.standardwebhooks.com) under any key of the ring. Constant time; every failure is one error.
 */
@Injectable()
export class SignatureVerifier {
  private readonly ring: ReadonlyMap<string, HmacSha256>;

  // Why is for the developer: in production it would tell a forger how near a guess was.
  private readonly tellsWhy: boolean;

  constructor(
    config: Config,
    private readonly clock: Clock,
  ) {
    this.ring = new Map(config.hmacKeys.map(({ kid, secret }) => [kid, new HmacSha256(secret)]));
    this.tellsWhy = config.environment === 'development';
  }

  /** The id of the key that signed. @throws AppError signature_invalid; validation_failed for mixed spellings */
  verify(message: SignedMessage): string {
    const { signatures } = message;
    const webhook = signatures.filter((signature) => signature.includes(','));
    if (webhook.length > 0 && (webhook.length < signatures.length || message.keyId !== ''))
      throw bothSpellings(signedEvent);
    const kid =
      webhook.length > 0
        ? this.webhookKey(
            message,
            webhook.filter((signature) => signature.startsWith(webhookPrefix)),
          )
        : this.namedKey(message);
    // The window last: only who holds a key may learn that the clock is the trouble, and even they see the same error.
    if (kid === undefined || !this.inWindow(message.timestamp)) throw signatureInvalid(this.why(message, kid));
    return kid;
  }

  private namedKey(message: SignedMessage): string | undefined {
    const kid = kidOf(message);
    const secret = this.ring.get(kid);
    const given = decode(message.signatures, (text) =>
      hexSignature.test(text) ? Buffer.from(text, 'hex') : undefined,
    );
    return secret && given && matches(mac(secret, message), given) ? kid : undefined;
  }

  private webhookKey(message: SignedMessage, signatures: readonly string[]): string | undefined {
    const given = decode(signatures, canonicalBase64);
    if (!given) return undefined;
    let found: string | undefined;
    for (const [kid, secret] of this.ring) if (matches(mac(secret, message), given)) found ??= kid;
    return found;
  }

  /** Which part did not match, in development alone. */
  private why(message: SignedMessage, kid: string | undefined): string | undefined {
    if (!this.tellsWhy) return undefined;
    const { signatures, timestamp } = message;
    if (signatures.length === 0) return 'there is no v1 signature';
    if (timestamp === 0) return 'the time t is missing or is not a whole number of seconds';
    if (kid !== undefined)
      return `t is ${Math.round(this.clock.now() / 1000 - timestamp)} s behind this clock; ${windowSeconds} are allowed`;
    if (!signatures[0]?.includes(',') && !this.ring.has(kidOf(message))) return `no key has the id ${kidOf(message)}`;
    return `no signature is the HMAC-SHA256 of <id>.<t>.<body> with the id ${message.id}, t ${timestamp} and a body of ${message.body.length} bytes (at most ${maxSignatures} are looked at)`;
  }

  private inWindow(timestamp: number): boolean {
    return Number.isSafeInteger(timestamp) && Math.abs(this.clock.now() / 1000 - timestamp) <= windowSeconds;
  }
}

function kidOf({ keyId }: SignedMessage): string {
  return keyId === '' ? 'default' : keyId;
}

/** The 32 bytes that a signature must have. */
export function mac(key: HmacSha256, message: Pick<SignedMessage, 'id' | 'timestamp' | 'body'>): Buffer {
  return key.of(`${message.id}.${message.timestamp}.`, message.body);
}

function decode(texts: readonly string[], one: (text: string) => Buffer | undefined): Buffer[] | undefined {
  if (texts.length === 0 || texts.length > maxSignatures) return undefined;
  // One that is no signature matches nothing, as it does for other verifiers; the others are still looked at.
  return texts.map(one).filter((bytes) => bytes !== undefined);
}

function canonicalBase64(text: string): Buffer | undefined {
  const base64 = webhookSignature.exec(text)?.[1];
  if (base64 === undefined) return undefined;
  const bytes = Buffer.from(base64, 'base64');
  return bytes.toString('base64') === base64 ? bytes : undefined;
}

function matches(expected: Buffer, given: readonly Buffer[]): boolean {
  let matched = false;
  for (const bytes of given) if (timingSafeEqual(expected, bytes)) matched = true;
  return matched;
}
