import { Injectable } from '@nestjs/common';
import { type JWTPayload, jwtVerify, SignJWT } from 'jose';
import { JOSEError } from 'jose/errors';
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

/**
 * Players' tokens: JWTs (RFC 7519, RFC 9068) by RS256 under a named key, only in the one canonical spelling. Whether a
 * token still holds is for `Standing` to say.
 */
@Injectable()
export class Tokens {
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
    const kid = keyIdOf(token);
    const key = kid === undefined ? undefined : (await this.keys.ring()).verifying.get(kid);
    if (!key) return undefined;
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
    if (!found.success || found.data.exp * 1000 <= now) return undefined;
    const { sub, jti, exp } = found.data;
    return { userId: sub, jti, expiresAt: exp * 1000 };
  }
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
  if (token.length > maxLength) return undefined;
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
