import { createHash, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config';
import { forbidden, tokenInvalid } from '../errors/common.errors';
import type { Access } from '../rpc/contract';
import type { Credentials } from './caller';

const loopbackHost = /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/;

/** Decides who may call what. Knows the internal secret, and the developer on the same machine. */
@Injectable()
export class Authenticator {
  private readonly secrets: readonly Buffer[];

  constructor(private readonly config: Config) {
    this.secrets = config.internalSecrets.map(digest);
  }

  /** @throws AppError token_invalid without or with wrong credentials, forbidden when they do not reach. */
  check(access: Access, credentials: Credentials): void {
    if (access === 'public') return;
    if (credentials.authorization === undefined) {
      if (this.isDeveloper(credentials)) return;
      throw tokenInvalid();
    }
    if (!this.isInternal(credentials.authorization)) throw tokenInvalid();
    // A subject narrows the rights to that player's; nothing but player tokens can carry those out.
    if (credentials.subject !== undefined) throw forbidden();
  }

  /** Anonymous is admin only for a developer's own machine: a rebound DNS name or a proxy must not pass for it. */
  private isDeveloper({ host, forwarded }: Credentials): boolean {
    return (
      this.config.environment === 'development' &&
      !this.config.authRequired &&
      !forwarded &&
      loopbackHost.test(host ?? '')
    );
  }

  private isInternal(authorization: string): boolean {
    const token = /^Bearer (\S+)$/i.exec(authorization)?.[1];
    if (token === undefined) return false;
    const presented = digest(Buffer.from(token, 'utf8'));
    // Every secret is compared, so that time does not tell which one matched.
    return this.secrets.map((secret) => timingSafeEqual(secret, presented)).includes(true);
  }
}

function digest(secret: Buffer): Buffer {
  return createHash('sha256').update(secret).digest();
}
