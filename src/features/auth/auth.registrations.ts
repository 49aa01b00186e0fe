import { Injectable } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { ulid } from 'ulid';
import type { RegisterRequest } from '../../generated/aerie/auth/v1/auth';
import type { User } from '../../generated/aerie/users/v1/users';
import { Jobs } from '../../shared/async/jobs';
import { Pass } from '../../shared/async/row-by-row';
import { asInternal } from '../../shared/auth/caller';
import { Clock } from '../../shared/clock/clock';
import { factsOf } from '../../shared/contract/answer';
import { AppError } from '../../shared/errors/app-error';
import { UsersApi } from '../users/users.api';
import type { PlacedRegistration, Registration } from './auth.entity';
import { emailTaken } from './auth.errors';
import { Passwords } from './auth.passwords';
import { AuthRepository } from './auth.repository';
import { AuthSecrets } from './auth.secrets';
import { existingUser } from './auth.standing';

// Each time somebody else's registration, cut off or undone, had to be cleared away first.
const maxTries = 3;
// Nobody registers for longer than a request may take.
const patienceMs = 10 * 60_000;
const maxAtOnce = 100;

/**
 * Users are made by users, accounts here, and a process can die in between. So what is about to be made is written down
 * first, with the id that the user will have and the key under which users make it once: whoever registers the address
 * next completes it, and what nobody completes is removed.
 */
@Injectable()
export class AuthRegistrations {
  private readonly pass: Pass<PlacedRegistration>;

  constructor(
    private readonly repository: AuthRepository,
    private readonly secrets: AuthSecrets,
    private readonly passwords: Passwords,
    private readonly users: UsersApi,
    private readonly clock: Clock,
    private readonly logger: PinoLogger,
    jobs: Jobs,
  ) {
    const rows = jobs.rows<PlacedRegistration>(
      'auth.registrations',
      ({ creation }) => creation,
      (begun) => this.undo(begun),
    );
    this.pass = new Pass(rows, maxAtOnce);
  }

  /** Makes a user with an account. @throws AppError email_taken, rate_limited, unavailable */
  async register({ name, email, password }: RegisterRequest): Promise<User> {
    const passwordHash = await this.passwords.hash(password);
    const address = this.secrets.nameOf(email);
    for (let tries = 1; tries <= maxTries; tries += 1) {
      const userId = ulid(this.clock.steady());
      const begun = await this.repository.begin({ address, creation: `register-${userId}`, userId, name, email });
      const user = await this.userOf(begun);
      if (!user) continue;
      if (!(await this.repository.finish(begun, { userId: user.id, passwordHash, role: 'player' }))) break;
      this.logger.info({ player_id: user.id }, 'user_registered');
      if (user.name === name && user.email === email) return user;
      // It was begun in other words; the last ones count.
      return asInternal(() => this.users.updateUser({ id: user.id, name, email, clear: [] }));
    }
    throw emailTaken();
  }

  /** Removes what registrations left that nobody has completed. @throws AppError unavailable */
  async undoCutOff(): Promise<void> {
    const now = this.clock.sure();
    if (now === undefined) return;
    await this.pass.step((after, limit) => this.repository.cutOff(now - patienceMs, after?.seq ?? 0, limit));
  }

  /** Its user, made now or before it was cut off; undefined: there is none any more, begin anew. @throws AppError email_taken */
  private async userOf(begun: Registration): Promise<User | undefined> {
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
