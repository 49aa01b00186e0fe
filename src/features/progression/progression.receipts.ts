import { Injectable } from '@nestjs/common';
import { CompactSign, compactVerify } from 'jose';
import { JWSSignatureVerificationFailed } from 'jose/errors';
import { ulid } from 'ulid';
import { z } from 'zod';
import type { ReceiptClaims, VerifyRewardResponse } from '../../generated/aerie/progression/v1/progression';
import { Clock } from '../../shared/clock/clock';
import { ProgressionSettings } from './progression.settings';

const typ = 'receipt+jwt';
const alg = 'HS256';

const header = z.strictObject({ alg: z.literal(alg), kid: z.string().max(64), typ: z.literal(typ) });
const claims = z.strictObject({
  jti: z.string(),
  sub: z.string(),
  reward: z.strictObject({ rewardId: z.string(), kind: z.string() }),
  iat: z.number().int(),
  exp: z.number().int().optional(),
});

/**
 * Receipts: JWS in compact form (RFC 7515), HS256 under a named key. Only one spelling of each receipt verifies:
 * base64url that decodes to the same bytes but is written otherwise is malformed.
 */
@Injectable()
export class Receipts {
  private readonly keys: ReadonlyMap<string, Uint8Array>;
  private readonly signing: { readonly kid: string; readonly secret: Uint8Array };

  constructor(
    private readonly settings: ProgressionSettings,
    private readonly clock: Clock,
  ) {
    const [first] = settings.receiptKeys;
    if (!first) throw new Error('RECEIPT_KEYS is empty');
    this.signing = first;
    this.keys = new Map(settings.receiptKeys.map(({ kid, secret }) => [kid, secret]));
  }

  /** Signs a receipt for a reward that was claimed `at` an instant: milliseconds since 1970. */
  issue(playerId: string, reward: { readonly rewardId: string; readonly kind: string }, at: number): Promise<string> {
    const iat = Math.floor(at / 1000);
    const ttl = this.settings.receiptTtlMs / 1000;
    const payload: ReceiptClaims = {
      jti: ulid(at),
      sub: playerId,
      reward,
      iat,
      ...(ttl > 0 ? { exp: iat + ttl } : {}),
    };
    const { kid, secret } = this.signing;
    return new CompactSign(Buffer.from(JSON.stringify(payload))).setProtectedHeader({ alg, kid, typ }).sign(secret);
  }

  /** Never throws for what it is given: an invalid receipt has a reason. */
  async verify(receipt: string): Promise<VerifyRewardResponse> {
    const kid = keyIdOf(receipt);
    if (kid === undefined) return { valid: false, reason: 'malformed' };
    const key = this.keys.get(kid);
    if (!key) return { valid: false, reason: 'unknown_key' };
    try {
      const { payload } = await compactVerify(receipt, key, { algorithms: [alg] });
      return this.unlessExpired(claims.parse(JSON.parse(Buffer.from(payload).toString('utf8'))));
    } catch (error) {
      return { valid: false, reason: error instanceof JWSSignatureVerificationFailed ? 'signature' : 'malformed' };
    }
  }

  private unlessExpired(found: z.output<typeof claims>): VerifyRewardResponse {
    const { exp, ...rest } = found;
    if (exp !== undefined && this.clock.steady() / 1000 >= exp) return { valid: false, reason: 'expired' };
    return { valid: true, claims: exp === undefined ? rest : { ...rest, exp } };
  }
}

/** The key id of a receipt in its one canonical spelling; undefined for anything else. */
function keyIdOf(receipt: string): string | undefined {
  const parts = receipt.split('.');
  if (
    parts.length !== 3 ||
    !parts.every((part) => part !== '' && Buffer.from(part, 'base64url').toString('base64url') === part)
  )
    return undefined;
  try {
    return header.parse(JSON.parse(Buffer.from(parts[0] ?? '', 'base64url').toString('utf8'))).kid;
  } catch {
    return undefined;
  }
}
