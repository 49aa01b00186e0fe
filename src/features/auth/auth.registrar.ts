import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import type { RegisterRequest } from '../../generated/aerie/auth/v1/auth';
import type { User } from '../../generated/aerie/users/v1/users';
import { asInternal } from '../../shared/auth/caller';
import { AppError } from '../../shared/errors/app-error';
import { infoOf } from '../../shared/rpc/answer';
import { keyed } from '../../shared/rpc/keyed';
import { canonicalEmail } from '../../shared/text/email';
import { UsersApi } from '../users/users.api';
import { emailTaken } from './auth.errors';
import { userExists } from './auth.existence';
import { Passwords } from './auth.passwords';
import { AuthRepository } from './auth.repository';
import { AuthSecrets } from './auth.secrets';

// Somebody who registers, is deleted and registers again in the same words, so many times within a day.
const maxLives = 50;

/**
 * Makes a user and then the account. A process that dies between the two leaves a user without an account: whoever
 * registers again with the same name, address and password within a day asks users for the very same creation (the salt
 * is the address's, so the hash is the same, and the idempotency key is made of all three), gets that user and completes
 * it. In other words it is another creation, which succeeds when nobody has the address.
 */
@Injectable()
export class Registrar {
  constructor(
    private readonly passwords: Passwords,
    private readonly secrets: AuthSecrets,
    private readonly users: UsersApi,
    private readonly repository: AuthRepository,
    private readonly logger: PinoLogger,
  ) {}

  /** @throws AppError email_taken, rate_limited */
  async register(request: RegisterRequest): Promise<User> {
    const salt = this.secrets.saltOf(canonicalEmail(request.email) ?? request.email);
    const passwordHash = await this.passwords.hash(request.password, salt);
    const user = await this.user(request, passwordHash);
    const fresh = await this.repository.create({ userId: user.id, passwordHash, role: 'player' });
    if (!fresh) throw emailTaken();
    this.logger.info({ player_id: user.id }, 'user_registered');
    return user;
  }

  private async user(request: RegisterRequest, passwordHash: string): Promise<User> {
    let seed = passwordHash;
    for (let life = 1; life <= maxLives; life += 1) {
      const user = await this.create(request, seed);
      if (!infoOf(user)?.replayed || (await userExists(this.users, user.id))) return user;
      // The key belongs to a user who was deleted since.
      seed = `${passwordHash} ${user.id}`;
    }
    throw emailTaken();
  }

  private async create({ name, email }: RegisterRequest, seed: string): Promise<User> {
    const words = JSON.stringify([seed, name, email]);
    const key = `register-${createHash('sha256').update(words).digest('hex')}`;
    try {
      return await asInternal(() => this.users.createUser(keyed({ name, email }, key)));
    } catch (error) {
      throw error instanceof AppError && error.code === 'email_taken' ? emailTaken() : error;
    }
  }
}
