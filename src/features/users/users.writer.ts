import { Injectable } from '@nestjs/common';
import type { UpdateUserRequest } from '../../generated/aerie/users/v1/users';
import { Clock } from '../../shared/clock/clock';
import { resourceBusy } from '../../shared/errors/common.errors';
import { Lock } from '../../shared/lock/lock';
import { canonicalEmail } from '../../shared/text/email';
import { UsersCache } from './users.cache';
import { userNotFound, versionMismatch } from './users.errors';
import { type StoredUser, UsersRepository } from './users.repository';

/**
 * Changes of one user, one after another in all processes. The lock keeps writers from reading in vain; what keeps changes
 * from being lost is the version that was read under it, without which nothing is written.
 */
@Injectable()
export class UsersWriter {
  constructor(
    private readonly lock: Lock,
    private readonly repository: UsersRepository,
    private readonly cache: UsersCache,
    private readonly clock: Clock,
  ) {}

  /** `owner`: the only user that the caller may change; undefined: all. @throws AppError as UserService.UpdateUser */
  async update(request: UpdateUserRequest, owner: string | undefined): Promise<StoredUser> {
    const { id, expectedVersion } = request;
    await using held = await this.lock.hold(keyOf(id, owner));
    const user = await this.read(id, owner);
    if (expectedVersion !== undefined && expectedVersion !== user.version)
      throw versionMismatch(expectedVersion, user.version);
    const changed = { ...change(user, request), updatedAt: Math.max(this.clock.steady(), user.updatedAt) };
    held.check();
    if (!(await this.repository.replace(changed, user.version, owner))) throw resourceBusy();
    await this.cache.put(changed);
    return changed;
  }

  async delete(id: string, owner: string | undefined): Promise<void> {
    await using held = await this.lock.hold(keyOf(id, owner));
    const user = await this.read(id, owner);
    held.check();
    if (!(await this.repository.remove(id, user.version, owner))) throw resourceBusy();
    await this.cache.remove(id, user.version);
  }

  private async read(id: string, owner: string | undefined): Promise<StoredUser> {
    const user = await this.repository.find(id, owner);
    if (!user) throw userNotFound(id);
    return user;
  }
}

/** Nobody may keep a stranger's lock busy. */
function keyOf(id: string, owner: string | undefined): string {
  if (owner !== undefined && owner !== id) throw userNotFound(id);
  return `user:${id}`;
}

function change(user: StoredUser, { name, email, age, clear }: UpdateUserRequest): StoredUser {
  return {
    ...user,
    name: name ?? user.name,
    email: email ?? user.email,
    emailKey: email === undefined ? user.emailKey : (canonicalEmail(email) ?? email),
    age: clear.includes('age') ? null : (age ?? user.age),
    version: user.version + 1,
  };
}
