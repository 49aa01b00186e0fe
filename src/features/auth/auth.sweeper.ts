import { Injectable } from '@nestjs/common';
import { Jobs } from '../../shared/async/jobs';
import { Pass } from '../../shared/async/row-by-row';
import { UsersApi } from '../users/users.api';
import { existingUser } from './auth.existence';
import { AuthRepository, type PlacedAccount } from './auth.repository';

const maxAccounts = 500;

/**
 * Forgets the passwords of users who were deleted. They open nothing (whoever logs in must exist), but nobody's password
 * should outlive them.
 */
@Injectable()
export class Sweeper {
  private readonly pass: Pass<PlacedAccount>;

  constructor(
    private readonly repository: AuthRepository,
    private readonly users: UsersApi,
    jobs: Jobs,
  ) {
    const rows = jobs.rows<PlacedAccount>(
      'auth.accounts',
      ({ userId }) => userId,
      (account) => this.look(account),
    );
    this.pass = new Pass(rows, maxAccounts);
  }

  /** Looks at the next so many accounts; after the last it begins anew. @throws AppError unavailable */
  sweep(): Promise<void> {
    return this.pass.step((after, limit) => this.repository.after(after?.seq ?? 0, limit));
  }

  private async look({ userId }: PlacedAccount): Promise<void> {
    if (!(await existingUser(this.users, userId))) await this.repository.forget(userId);
  }
}
