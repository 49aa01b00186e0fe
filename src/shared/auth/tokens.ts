import { hash, type KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type JWTPayload, jwtVerify, SignJWT } from 'jose';
import { JOSEError } from 'jose/errors';
import { LRUCache } from 'lru-cache';
import { ulid as newUlid } from 'ulid';
import { z } from 'zod';
import { Clock } from '../clock/clock';
import { Config } from '../config/config';
import { ulid } from '../contract/schemas';
import type { PresentedToken } from '../tracing/request-context';
import type { Role } from './standing';
import { TokenKeys } from './token-keys';

const alg = 'RS256';
const typ = 'at+jwt';
const issuer = 'aerie';
const audience = 'aerie';
const maxLength = 4096;
// Clocks of two servers differ, and are set; what has expired has expired all the same.
const toleranceSeconds = 30;
// About 400 bytes each.
const maxRemembered = 10_000;

// Strict: a header that brings a key of its own (jwk, jku, x5c) or asks for more (crit) is none of ours.
const header = z.strictObject({ alg: z.literal(alg), typ: z.literal(typ), kid: z.string().regex(/^[\w-]{43}$/) });
const seconds = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const claims = z.object({
  iss: z.literal(issuer),
  aud: z.literal(audience),
  sub: ulid,
  jti: ulid,
  iat: seconds,
  nbf: seconds,
  exp: seconds,
  role: z.enum(['player', 'admin']),
});

/** Whose token it is. What they may is for their account to say. */
export interface VerifiedToken extends PresentedToken {
  readonly userId: string;
}

/** A token whose signature was right under `key`. It holds from one millisecond since 1970 until another. */
interface RememberedToken {
  readonly token: VerifiedToken;
  readonly kid: string;
  readonly key: KeyObject;
  readonly from: number;
  readonly until: number;
}

/**
 * Players' tokens: JWTs (RFC 7519, RFC 9068) by RS256 under a named key, only in the one canonical spelling. Whether a
 * token still holds is for `Standing` to say. A right signature stays right, so those that were right are remembered, by the
 * token's SHA-256; its times and its key are looked at each time.
 */
@Injectable()
export class Tokens {
  private readonly remembered = new LRUCache<string, RememberedToken>({ max: maxRemembered });

  constructor(
    private readonly keys: TokenKeys,
    private readonly config: Config,
    private readonly clock: Clock,
  ) {}

  /** How long a token lives, in seconds. */
  get ttlSeconds(): number {
    return Math.floor(this.config.jwt.ttlMs / 1000);
  }

  async issue(userId: string, role: Role): Promise<string> {
    const { signing } = await this.keys.ring();
    if (!signing) throw new Error('There is no key to sign tokens with');
    const iat = Math.floor(this.clock.steady() / 1000);
    const exp = iat + this.ttlSeconds;
    const payload = { iss: issuer, aud: audience, sub: userId, jti: newUlid(), iat, nbf: iat, exp, role };
    return new SignJWT(payload).setProtectedHeader({ alg, kid: signing.kid, typ }).sign(signing.key);
  }

  /** Undefined for whatever is not a token of ours that holds now, for whatever reason. */
  async verify(token: string): Promise<VerifiedToken | undefined> {
    if (token.length > maxLength) return undefined;
    const name = hash('sha256', token, 'base64');
    const known = this.remembered.get(name);
    if (known) {
      const { verifying } = await this.keys.ring();
      if (verifying.get(known.kid) === known.key && holds(known, this.clock.steady())) return known.token;
      this.remembered.delete(name);
    }
    const found = await this.check(token);
    if (found) this.remembered.set(name, found);
    return found?.token;
  }

  private async check(token: string): Promise<RememberedToken | undefined> {
    const kid = keyIdOf(token);
    const key = kid === undefined ? undefined : (await this.keys.ring()).verifying.get(kid);
    if (kid === undefined || !key) return undefined;
    const now = this.clock.steady();
    const options = {
      algorithms: [alg],
      typ,
      issuer,
      audience,
      currentDate: new Date(now),
      clockTolerance: toleranceSeconds,
      maxTokenAge: this.ttlSeconds,
    };
    const payload = await jwtVerify(token, key, options).then(payloadOf, refused);
    const found = claims.safeParse(payload);
    if (!found.success) return undefined;
    const { sub, jti, exp, iat, nbf } = found.data;
    // As jwtVerify decides it, which takes the second for which the tolerance ends, too.
    const from = (Math.max(iat, nbf) - toleranceSeconds) * 1000;
    const until = Math.min(exp, iat + this.ttlSeconds + toleranceSeconds + 1) * 1000;
    const verified = { token: { userId: sub, jti, expiresAt: exp * 1000 }, kid, key, from, until };
    return holds(verified, now) ? verified : undefined;
  }
}

function holds({ from, until }: RememberedToken, now: number): boolean {
  return from <= now && now < until;
}

function payloadOf({ payload }: { readonly payload: JWTPayload }): JWTPayload {
  return payload;
}

function refused(error: unknown): undefined {
  if (error instanceof JOSEError) return undefined;
  throw error;
}

/** The key id of a token in its one canonical spelling; undefined for anything else. */
function keyIdOf(token: string): string | undefined {
  const parts = token.split('.');
  if (parts.length !== 3 || !parts.every(isCanonical)) return undefined;
  try {
    return header.parse(JSON.parse(Buffer.from(parts[0] ?? '', 'base64url').toString('utf8'))).kid;
  } catch {
    return undefined;
  }
}

/** Base64url that decodes to the same bytes but is written otherwise would be a second token. */
function isCanonical(part: string): boolean {
  return part !== '' && Buffer.from(part, 'base64url').toString('base64url') === part;
}
