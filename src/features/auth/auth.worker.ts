import { Injectable } from '@nestjs/common';
import { Jobs, type NamedJobs } from '../../shared/async/jobs';
import { Pass } from '../../shared/async/row-by-row';
import { Worker } from '../../shared/async/worker';
import { Clock } from '../../shared/clock/clock';
import { UsersApi } from '../users/users.api';
import type { PlacedAccount } from './auth.entity';
import { AuthRegistrations } from './auth.registrations';
import { AuthRepository } from './auth.repository';
import { existingUser } from './auth.standing';

const maxAccounts = 500;
const maxRevocations = 1000;
// Clocks differ: a token that has expired here may hold elsewhere for a moment.
const keepMs = 3_600_000;

/** Tidies up once a minute, in small steps. */
@Injectable()
export class AuthWorker extends Worker {
  private readonly pass: Pass<PlacedAccount>;

  constructor(
    private readonly registrations: AuthRegistrations,
    private readonly repository: AuthRepository,
    private readonly users: UsersApi,
    private readonly clock: Clock,
    jobs: Jobs,
  ) {
    super(jobs, { everyMs: 60_000 });
    const rows = jobs.rows<PlacedAccount>(
      'auth.accounts',
      ({ userId }) => userId,
      (account) => this.forgetDeleted(account),
    );
    this.pass = new Pass(rows, maxAccounts);
  }

  protected override work(): NamedJobs {
    return {
      'auth.registrations': () => this.registrations.undoCutOff(),
      'auth.accounts': () => this.sweepAccounts(),
      'auth.revocations': () => this.pruneRevocations(),
    };
  }

  /**
   * Forgets the passwords of users who were deleted, among the next so many accounts; after the last it begins anew. They
   * open nothing (whoever logs in must exist), but nobody's password should outlive them. @throws AppError unavailable
   */
  sweepAccounts(): Promise<void> {
    return this.pass.step((after, limit) => this.repository.accountsAfter(after?.seq ?? 0, limit));
  }

  /** Forgets tokens that were revoked and have expired since, a bounded number; answers true when there may be more. */
  async pruneRevocations(): Promise<boolean> {
    const now = this.clock.sure();
    if (now === undefined) return false;
    return (await this.repository.pruneRevocations(now - keepMs, maxRevocations)) === maxRevocations;
  }

  private async forgetDeleted({ userId }: PlacedAccount): Promise<void> {
    if (!(await existingUser(this.users, userId))) await this.repository.forget(userId);
  }
}
