import { Injectable } from '@nestjs/common';
import { ulid } from 'ulid';
import type { CreateUserRequest } from '../../generated/aerie/users/v1/users';
import { Clock } from '../../shared/clock/clock';
import { Idempotency } from '../../shared/idempotency/idempotency';
import { canonicalEmail } from '../../shared/text/email';
import { type StoredUser, UsersRepository } from './users.repository';

/** Makes users, each call with an Idempotency-Key once. */
@Injectable()
export class UsersCreator {
  constructor(
    private readonly repository: UsersRepository,
    private readonly idempotency: Idempotency,
    private readonly clock: Clock,
  ) {}

  /** @throws AppError email_taken, idempotency_key_reused, in_progress */
  create(request: CreateUserRequest): Promise<StoredUser> {
    const { name, email, age } = request;
    const now = this.clock.now();
    const user = {
      id: ulid(now),
      name,
      email,
      emailKey: canonicalEmail(email) ?? email,
      age: age ?? null,
      version: 1,
      createdAt: now,
      updatedAt: now,
    };
    return this.repository.create(user, this.idempotency.callOf('UserService.CreateUser', request));
  }
}
