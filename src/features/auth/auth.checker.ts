import { Injectable } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import type { LoginRequest } from '../../generated/aerie/auth/v1/auth';
import type { User } from '../../generated/aerie/users/v1/users';
import { asInternal } from '../../shared/auth/caller';
import { UsersApi } from '../users/users.api';
import { credentialsInvalid } from './auth.errors';
import { Passwords } from './auth.passwords';
import { type AccountRole, AuthRepository } from './auth.repository';

/** Whoever has proved to be this user. */
export interface Known {
  readonly user: User;
  readonly role: AccountRole;
}

// The id of no user: asked for so that unknown users cost as many queries as others.
const nobody = '0'.repeat(26);

/** Checks passwords. Every way to be wrong takes the same steps, and with them the same time. */
@Injectable()
export class Checker {
  constructor(
    private readonly passwords: Passwords,
    private readonly users: UsersApi,
    private readonly repository: AuthRepository,
    private readonly logger: PinoLogger,
  ) {}

  /** @throws AppError credentials_invalid, rate_limited */
  async check({ email, password }: LoginRequest): Promise<Known> {
    const found = await asInternal(() => this.users.listUsers({ email, pageSize: 1 }));
    const [user] = found.users;
    const account = await this.repository.account(user?.id ?? nobody);
    const right = await this.passwords.verify(account?.passwordHash, password);
    if (user && account && right) return { user, role: account.role };
    this.logger.debug(user ? { player_id: user.id } : {}, 'login_failed');
    throw credentialsInvalid();
  }
}
