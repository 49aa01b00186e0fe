import { createHash, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config';
import type { Access } from '../contract/contract';
import { playerId } from '../contract/schemas';
import { forbidden, tokenInvalid } from '../errors/common.errors';
import type { Caller } from '../tracing/request-context';
import type { Credentials } from './credentials';
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
   * @throws AppError token_invalid without or with wrong credentials, forbidden when they do not reach, unavailable when
   * it cannot be known
   */
  async identify(access: Exclude<Access, 'public'>, credentials: Credentials): Promise<Caller> {
    const caller = await this.callerOf(credentials);
    if (access === 'token' && !('id' in caller && caller.token)) throw tokenInvalid();
    if (access === 'admin' && caller.kind === 'player') throw forbidden();
    return caller;
  }

  private callerOf(credentials: Credentials): Caller | Promise<Caller> {
    const { authorization, subject } = credentials;
    if (authorization === undefined) {
      if (subject === undefined && this.isDeveloper(credentials)) return { kind: 'developer' };
      throw tokenInvalid();
    }
    const bearer = /^Bearer (\S+)$/i.exec(authorization)?.[1];
    if (bearer === undefined) throw tokenInvalid();
    if (this.isInternal(bearer)) return subject === undefined ? { kind: 'internal' } : onBehalfOf(subject);
    // Only another process may say for whom it calls.
    if (subject !== undefined) throw tokenInvalid();
    return this.holderOf(bearer);
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

  private isInternal(bearer: string): boolean {
    const presented = digest(Buffer.from(bearer, 'utf8'));
    // Every secret is compared, so that time does not tell which one matched.
    return this.secrets.map((secret) => timingSafeEqual(secret, presented)).includes(true);
  }
}

function onBehalfOf(subject: string): Caller {
  if (!playerId.safeParse(subject).success) throw tokenInvalid();
  return { kind: 'player', id: subject };
}

function digest(secret: Buffer): Buffer {
  return createHash('sha256').update(secret).digest();
}
