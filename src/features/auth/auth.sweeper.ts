import { Injectable } from '@nestjs/common';
import { UsersApi } from '../users/users.api';
import { existingUser } from './auth.existence';
import { AuthRepository } from './auth.repository';

const maxAccounts = 500;

/**
 * Forgets the passwords of users who were deleted. They open nothing (whoever logs in must exist), but nobody's password
 * should outlive them.
 */
@Injectable()
export class Sweeper {
  private after = 0;

  constructor(
    private readonly repository: AuthRepository,
    private readonly users: UsersApi,
  ) {}

  /** Looks at the next so many accounts; after the last it begins anew. */
  async sweep(): Promise<void> {
    const accounts = await this.repository.after(this.after, maxAccounts);
    for (const { userId } of accounts) {
      if (!(await existingUser(this.users, userId))) await this.repository.forget(userId);
    }
    this.after = accounts.length < maxAccounts ? 0 : (accounts.at(-1)?.seq ?? 0);
  }
}
