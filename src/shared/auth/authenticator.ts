import { createHash, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config';
import type { Access } from '../contract/contract';
import { playerId } from '../contract/schemas';
import { forbidden, secretUnknown, tokenInvalid } from '../errors/common.errors';
import type { Caller } from '../tracing/request-context';
import { anonymousSubject, type Behalf, type Credentials } from './credentials';
import { allowedOrigins, isAllowed } from './origins';
import { StandingRegistry } from './standing';
import { Tokens } from './tokens';

const loopbackHost = /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/;

/** Decides who calls, and whether they may: by the internal secret, a player's token, or being the developer here. */
@Injectable()
export class Authenticator {
  private readonly secrets: readonly Buffer[];
  private readonly origins: readonly (string | RegExp)[];

  constructor(
    private readonly config: Config,
    private readonly tokens: Tokens,
    private readonly standings: StandingRegistry,
  ) {
    this.secrets = config.internalSecrets.map(digest);
    this.origins = allowedOrigins(config);
  }

  /**
   * Without credentials the caller is anonymous where access is optional.
   * @throws AppError token_invalid without or with wrong credentials, forbidden when they do not reach, unavailable when
   * it cannot be known
   */
  async identify(access: Exclude<Access, 'public'>, credentials: Credentials): Promise<Caller> {
    const caller = await this.callerOf(credentials);
    if (caller.kind === 'anonymous' && access !== 'optional') throw tokenInvalid();
    if (access === 'token' && !('id' in caller && caller.token)) throw tokenInvalid();
    if (access === 'admin' && caller.kind === 'player') throw forbidden();
    return caller;
  }

  private callerOf(credentials: Credentials): Caller | Promise<Caller> {
    const { authorization, behalf } = credentials;
    if (this.isInternal(authorization)) return onBehalfOf(behalf);
    const saysForWhom = behalf.subject !== undefined || behalf.role !== undefined || behalf.token !== undefined;
    // Only another process may say for whom it calls.
    if (authorization === undefined && saysForWhom) throw tokenInvalid();
    if (authorization === undefined) return { kind: this.isDeveloper(credentials) ? 'developer' : 'anonymous' };
    const bearer = bearerOf(authorization);
    if (bearer === undefined) throw tokenInvalid();
    if (saysForWhom && !isTokenShaped(bearer)) throw secretUnknown();
    return this.holderOf(bearer);
  }

  /**
   * Whether what a caller says of its own caller is to be believed: with the secret alone. What others say is left out.
   * @throws AppError secret_unknown for what can only be the secret of another system
   */
  believes(authorization: string | undefined): boolean {
    if (this.isInternal(authorization)) return true;
    const bearer = bearerOf(authorization);
    if (bearer !== undefined && !isTokenShaped(bearer)) throw secretUnknown();
    return false;
  }

  /** True when an `Authorization` header bears the internal secret: another process calls, or an operator. */
  isInternal(authorization: string | undefined): boolean {
    const bearer = bearerOf(authorization);
    if (bearer === undefined) return false;
    const presented = digest(Buffer.from(bearer, 'utf8'));
    // Every secret is compared, so that time does not tell which one matched.
    return this.secrets.map((secret) => timingSafeEqual(secret, presented)).includes(true);
  }

  /** The account decides what its holder may, not the token: whoever was an admin yesterday need not be one today. */
  private async holderOf(bearer: string): Promise<Caller> {
    const verified = this.standings.known ? await this.tokens.verify(bearer) : undefined;
    if (!verified) throw tokenInvalid();
    const { userId, jti, expiresAt } = verified;
    const role = await this.standings.roleOf(userId, jti);
    if (role === undefined) throw tokenInvalid();
    return { kind: role, id: userId, token: { jti, expiresAt } };
  }

  /**
   * Anonymous is admin only for a developer's own machine: a rebound DNS name, a proxy, or a page of somebody else's in the
   * developer's browser must not pass for it.
   */
  private isDeveloper(credentials: Credentials): boolean {
    return (
      this.config.environment === 'development' &&
      !this.config.authRequired &&
      !credentials.forwarded &&
      loopbackHost.test(credentials.host ?? '') &&
      !this.isForeign(credentials)
    );
  }

  /** True when a browser says that a page calls which is neither ours nor one of ALLOWED_ORIGINS. */
  private isForeign({ host, origin, fetchSite }: Credentials): boolean {
    if (origin !== undefined) return origin !== `http://${host}` && !isAllowed(this.origins, origin);
    return fetchSite !== undefined && fetchSite !== 'same-origin' && fetchSite !== 'none';
  }
}

/** As a player's token is, and no secret: three parts with points between them. */
function isTokenShaped(bearer: string): boolean {
  return bearer.split('.').length === 3;
}

function bearerOf(authorization: string | undefined): string | undefined {
  return authorization === undefined ? undefined : /^Bearer (\S+)$/i.exec(authorization)?.[1];
}

const presented = /^([0-9A-HJKMNP-TV-Z]{26}) (\d{1,15})$/;

/** @throws AppError token_invalid for what no process of ours says */
function onBehalfOf({ subject, role, token }: Behalf): Caller {
  if (subject === undefined && role === undefined && token === undefined) return { kind: 'internal' };
  const [, jti, expiresAt] = presented.exec(token ?? '') ?? [];
  if (token !== undefined && jti === undefined) throw tokenInvalid();
  if (role !== undefined && role !== 'admin') throw tokenInvalid();
  if (subject === anonymousSubject && role === undefined && token === undefined) return { kind: 'anonymous' };
  if (!playerId.safeParse(subject).success || subject === anonymousSubject) throw tokenInvalid();
  const id = String(subject);
  return { kind: role ?? 'player', id, ...(jti && { token: { jti, expiresAt: Number(expiresAt) } }) };
}

function digest(secret: Buffer): Buffer {
  return createHash('sha256').update(secret).digest();
}
