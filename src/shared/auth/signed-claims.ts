import { CompactSign, compactVerify } from 'jose';
import { JWSSignatureVerificationFailed } from 'jose/errors';
import { z } from 'zod';
import type { NamedKey } from '../config/config';

const alg = 'HS256';

/** What is signed, or why it is not ours. */
export type Verdict<Claims> =
  | { readonly valid: true; readonly claims: Claims }
  | { readonly valid: false; readonly reason: 'malformed' | 'signature' | 'unknown_key' };

/**
 * Claims under a signature: JWS in compact form (RFC 7515), HS256 under a named key, of a type of their own, so that none
 * passes for another kind. Only one spelling of each verifies: base64url that decodes to the same bytes but is written
 * otherwise is malformed.
 */
export class SignedClaims<Claims extends object> {
  private readonly keys: ReadonlyMap<string, Uint8Array>;
  private readonly signing: NamedKey;
  private readonly header: z.ZodType<{ kid: string }>;

  /** The first of the keys signs, all verify. */
  constructor(
    private readonly typ: string,
    keys: readonly NamedKey[],
    private readonly claims: z.ZodType<Claims>,
  ) {
    const [first] = keys;
    if (!first) throw new Error(`There is no key for ${typ}`);
    this.signing = first;
    this.keys = new Map(keys.map(({ kid, secret }) => [kid, secret]));
    this.header = z.strictObject({ alg: z.literal(alg), kid: z.string().max(64), typ: z.literal(typ) });
  }

  sign(claims: Claims): Promise<string> {
    const { kid, secret } = this.signing;
    const payload = Buffer.from(JSON.stringify(claims));
    return new CompactSign(payload).setProtectedHeader({ alg, kid, typ: this.typ }).sign(secret);
  }

  /** Never throws for what it is given. */
  async verify(text: string): Promise<Verdict<Claims>> {
    const kid = this.keyIdOf(text);
    if (kid === undefined) return { valid: false, reason: 'malformed' };
    const key = this.keys.get(kid);
    if (!key) return { valid: false, reason: 'unknown_key' };
    try {
      const { payload } = await compactVerify(text, key, { algorithms: [alg] });
      return { valid: true, claims: this.claims.parse(JSON.parse(Buffer.from(payload).toString('utf8'))) };
    } catch (error) {
      return { valid: false, reason: error instanceof JWSSignatureVerificationFailed ? 'signature' : 'malformed' };
    }
  }

  /** The key id in its one canonical spelling; undefined for anything else. */
  private keyIdOf(text: string): string | undefined {
    const parts = text.split('.');
    const isCanonical = (part: string): boolean =>
      part !== '' && Buffer.from(part, 'base64url').toString('base64url') === part;
    if (parts.length !== 3 || !parts.every(isCanonical)) return undefined;
    try {
      return this.header.parse(JSON.parse(Buffer.from(parts[0] ?? '', 'base64url').toString('utf8'))).kid;
    } catch {
      return undefined;
    }
  }
}
