import { createHmac } from 'node:crypto';
import type { SignedMessage } from '../generated/aerie/events_gateway/v1/events_gateway';

/** The secret that a server in development accepts when none is configured. */
export const developmentSecret = 'aerie-development-secret-do-not-use';

const webhookPrefix = 'whsec_';

export interface SigningKey {
  /** As the server's ring calls it; `default` unless told. */
  readonly kid?: string;
  /** The secret as configured. One that begins with `whsec_` is base64 (Standard Webhooks). */
  readonly secret: string;
}

/** Signs with HMAC-SHA256 over `<id>.<seconds since 1970>.<body>`. A signature is good for 300 seconds. */
export class Signer {
  private readonly secret: Buffer;
  private readonly kid: string;

  constructor({ kid = 'default', secret }: SigningKey) {
    this.kid = kid;
    this.secret = secret.startsWith(webhookPrefix)
      ? Buffer.from(secret.slice(webhookPrefix.length), 'base64')
      : Buffer.from(secret, 'utf8');
  }

  /** `body` as a signed message: what gRPC sends, and what HTTP spells as headers and raw body. */
  sign(id: string, body: object, timestamp = Math.floor(Date.now() / 1000)): SignedMessage {
    const bytes = Buffer.from(JSON.stringify(body), 'utf8');
    const signature = createHmac('sha256', this.secret).update(`${id}.${timestamp}.`).update(bytes).digest('hex');
    return { id, timestamp, keyId: this.kid, signatures: [signature], body: bytes };
  }
}
