import { createHmac } from 'node:crypto';
import type { SignedMessage } from '../../src/generated/aerie/events_gateway/v1/events_gateway';

export const developmentSecret = 'aerie-development-secret-do-not-use';

export interface SigningOptions {
  readonly secret?: string | Buffer;
  readonly keyId?: string;
  readonly timestamp?: number;
  readonly spelling?: 'hex' | 'webhook';
}

/** A signed message over `body` (an object, or the very text). Signs by itself, not with the code under test. */
export function signed(id: string, body: object | string | Buffer, options: SigningOptions = {}): SignedMessage {
  const {
    secret = developmentSecret,
    keyId = '',
    timestamp = Math.floor(Date.now() / 1000),
    spelling = 'hex',
  } = options;
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  const mac = createHmac('sha256', secret).update(`${id}.${timestamp}.`).update(bytes);
  const signature = spelling === 'hex' ? mac.digest('hex') : `v1,${mac.digest('base64')}`;
  return { id, timestamp, keyId, signatures: [signature], body: bytes };
}

/** A valid event body; `change` replaces parts of it. */
export function eventBody(change: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    type: 'progression',
    playerId: 'player-1',
    occurredAt: new Date().toISOString(),
    payload: { deltaXp: 10 },
    ...change,
  };
}
