import { Injectable } from '@nestjs/common';
import { ulid } from 'ulid';
import type { CreateUserRequest } from '../../generated/aerie/users/v1/users';
import { Clock } from '../../shared/clock/clock';
import { withInfo } from '../../shared/contract/answer';
import { Idempotency } from '../../shared/idempotency/idempotency';
import { canonicalEmail } from '../../shared/text/email';
import { isEmailTaken } from './users.errors';
import { type StoredUser, UsersRepository } from './users.repository';

/** Makes users, each call with an Idempotency-Key once, and each id. */
@Injectable()
export class UsersCreator {
  constructor(
    private readonly repository: UsersRepository,
    private readonly idempotency: Idempotency,
    private readonly clock: Clock,
  ) {}

  /** @throws AppError email_taken, idempotency_key_reused, in_progress */
  async create(request: CreateUserRequest): Promise<StoredUser> {
    const call = this.idempotency.callOf('UserService.CreateUser', request);
    try {
      return await this.repository.create(this.userOf(request), call);
    } catch (error) {
      const { id } = request;
      // The key's answer is kept for a day, the id for ever.
      const made = id !== undefined && isEmailTaken(error) ? await this.repository.find(id, undefined) : undefined;
      if (!made) throw error;
      return withInfo(made, { replayed: true, sameStatus: true });
    }
  }

  private userOf({ id, name, email, age }: CreateUserRequest): StoredUser {
    const now = this.clock.steady();
    return {
      id: id ?? ulid(now),
      name,
      email,
      emailKey: canonicalEmail(email) ?? email,
      age: age ?? null,
      version: 1,
      createdAt: now,
      updatedAt: now,
    };
  }
}
