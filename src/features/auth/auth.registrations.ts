import { Injectable } from '@nestjs/common';
import { ulid } from 'ulid';
import type { User } from '../../generated/aerie/users/v1/users';
import { Jobs } from '../../shared/async/jobs';
import { Pass } from '../../shared/async/row-by-row';
import { asInternal } from '../../shared/auth/caller';
import { Clock } from '../../shared/clock/clock';
import { factsOf } from '../../shared/contract/answer';
import { AppError } from '../../shared/errors/app-error';
import { canonicalEmail } from '../../shared/text/email';
import { UsersApi } from '../users/users.api';
import { emailTaken } from './auth.errors';
import { existingUser } from './auth.existence';
import {
  type PlacedRegistration,
  type Registration,
  RegistrationsRepository,
  type Words,
} from './auth.registrations.repository';
import type { Account } from './auth.repository';
import { AuthSecrets } from './auth.secrets';

// Nobody registers for longer than a request may take.
const patienceMs = 10 * 60_000;
const maxAtOnce = 100;

/**
 * Users are made by users, accounts here, and a process can die in between. So what is about to be made is written down
 * first, with the id that the user will have and the key under which users make it once: whoever registers the address next completes it, and what nobody
 * completes is removed.
 */
@Injectable()
export class Registrations {
  private readonly pass: Pass<PlacedRegistration>;

  constructor(
    private readonly repository: RegistrationsRepository,
    private readonly secrets: AuthSecrets,
    private readonly users: UsersApi,
    private readonly clock: Clock,
    jobs: Jobs,
  ) {
    const rows = jobs.rows<PlacedRegistration>(
      'auth.registrations',
      ({ creation }) => creation,
      (begun) => this.undo(begun),
    );
    this.pass = new Pass(rows, maxAtOnce);
  }

  begin({ name, email }: Words): Promise<Registration> {
    const address = this.secrets.nameOf(canonicalEmail(email) ?? email);
    const userId = ulid(this.clock.steady());
    return this.repository.begin({ address, creation: `register-${userId}`, userId, name, email });
  }

  /** Its user, made now or before it was cut off; undefined: there is none any more, begin anew. @throws AppError email_taken */
  async user(begun: Registration): Promise<User | undefined> {
    if (begun.abandoned) {
      await this.undo(begun);
      return undefined;
    }
    try {
      const user = await this.create(begun);
      if (!factsOf(user).replayed) return user;
      const existing = await existingUser(this.users, user.id);
      if (!existing) await this.repository.end(begun);
      return existing;
    } catch (error) {
      if (!isTaken(error)) throw error;
      await this.repository.end(begun);
      throw emailTaken();
    }
  }

  /** False when somebody else was faster. */
  finish(begun: Registration, account: Account): Promise<boolean> {
    return this.repository.finish(begun, account);
  }

  /** Removes what registrations left that nobody has completed. */
  async undoCutOff(): Promise<void> {
    const now = this.clock.sure();
    if (now === undefined) return;
    await this.pass.step((after, limit) => this.repository.cutOff(now - patienceMs, after?.seq ?? 0, limit));
  }

  private async undo(begun: Registration): Promise<void> {
    if (!(await this.repository.abandon(begun))) return;
    try {
      const { id } = await this.create(begun);
      await asInternal(() => this.users.deleteUser({ id }));
    } catch (error) {
      const gone = error instanceof AppError && error.code === 'user_not_found';
      if (!gone && !isTaken(error)) throw error;
    }
    await this.repository.end(begun);
  }

  private create({ name, email, creation, userId }: Registration): Promise<User> {
    const request = userId === '' ? { name, email } : { name, email, id: userId };
    return asInternal(() => this.users.createUser(request, { idempotencyKey: creation }));
  }
}

function isTaken(error: unknown): boolean {
  return error instanceof AppError && error.code === 'email_taken';
}
