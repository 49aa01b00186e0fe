import { Injectable } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import type { RegisterRequest } from '../../generated/aerie/auth/v1/auth';
import type { User } from '../../generated/aerie/users/v1/users';
import { asInternal } from '../../shared/auth/caller';
import { UsersApi } from '../users/users.api';
import { emailTaken } from './auth.errors';
import { Passwords } from './auth.passwords';
import { Registrations } from './auth.registrations';
import type { Words } from './auth.registrations.repository';

// Each time somebody else's registration, cut off or undone, had to be cleared away first.
const maxTries = 3;

/** Makes a user with an account. */
@Injectable()
export class Registrar {
  constructor(
    private readonly passwords: Passwords,
    private readonly registrations: Registrations,
    private readonly users: UsersApi,
    private readonly logger: PinoLogger,
  ) {}

  /** @throws AppError email_taken, rate_limited */
  async register({ name, email, password }: RegisterRequest): Promise<User> {
    const passwordHash = await this.passwords.hash(password);
    for (let tries = 1; tries <= maxTries; tries += 1) {
      const begun = await this.registrations.begin({ name, email });
      const user = await this.registrations.user(begun);
      if (!user) continue;
      const account = { userId: user.id, passwordHash, role: 'player' } as const;
      if (!(await this.registrations.finish(begun, account))) break;
      this.logger.info({ player_id: user.id }, 'user_registered');
      return this.inWords(user, { name, email });
    }
    throw emailTaken();
  }

  /** Where a registration was completed that had begun in other words, the last ones count. */
  private async inWords(user: User, { name, email }: Words): Promise<User> {
    if (user.name === name && user.email === email) return user;
    return asInternal(() => this.users.updateUser({ id: user.id, name, email, clear: [] }));
  }
}
