import { Injectable } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { ulid } from 'ulid';
import type {
  CreateUserRequest,
  DeleteUserRequest,
  DeleteUserResponse,
  GetUserRequest,
  ListUsersRequest,
  ListUsersResponse,
  UserService as Proto,
  UpdateUserRequest,
  User,
} from '../../generated/aerie/users/v1/users';
import { currentCaller, principalOf, restrictedTo } from '../../shared/auth/caller';
import { Clock } from '../../shared/clock/clock';
import { toTime } from '../../shared/clock/time';
import { type Answer, type AnswerFacts, answer } from '../../shared/contract/answer';
import type { CallMeta } from '../../shared/contract/contract';
import { PageTokens, rowNumber } from '../../shared/contract/page-token';
import { resourceBusy } from '../../shared/errors/common.errors';
import { Lock } from '../../shared/lock/lock';
import { canonicalEmail } from '../../shared/text/email';
import { UsersCache } from './users.cache';
import type { UserRow } from './users.entity';
import { idNotYours, isEmailTaken, userNotFound, versionMismatch } from './users.errors';
import { UsersMetrics } from './users.metrics';
import { UsersRepository } from './users.repository';

/**
 * The people who play, for operators and for themselves: whoever is restricted to one user finds no other. Changes of one
 * user happen one after another in all processes. The lock keeps writers from reading in vain; what keeps changes from
 * being lost is the version that was read under it, without which nothing is written.
 */
@Injectable()
export class UsersService implements Proto {
  private readonly tokens;

  constructor(
    private readonly repository: UsersRepository,
    private readonly cache: UsersCache,
    private readonly lock: Lock,
    private readonly clock: Clock,
    private readonly metrics: UsersMetrics,
    private readonly logger: PinoLogger,
    pageTokens: PageTokens,
  ) {
    this.tokens = pageTokens.of('users', rowNumber);
  }

  /**
   * Makes a user: each idempotency key once, and each id.
   * @throws AppError forbidden (an id, and no other process asks), email_taken, idempotency_key_reused, in_progress
   */
  async createUser(request: CreateUserRequest, meta: CallMeta = {}): Promise<Answer<User>> {
    const { id, name, email, age } = request;
    if (id !== undefined && currentCaller().kind !== 'internal') throw idNotYours();
    const now = this.clock.steady();
    const emailKey = canonicalEmail(email) ?? email;
    const times = { createdAt: now, updatedAt: now };
    const user = { id: id ?? ulid(now), name, email, emailKey, age: age ?? null, version: 1, ...times };
    try {
      const { done, replayed } = await this.repository.create(user, { request, key: meta.idempotencyKey });
      if (replayed) return toUser(done, { replayed: 'answer' });
    } catch (error) {
      // The key's answer is kept for a day, the id for ever.
      const made = id !== undefined && isEmailTaken(error) ? await this.repository.find(id, undefined) : undefined;
      if (!made) throw error;
      return toUser(made, { replayed: 'answer' });
    }
    this.metrics.count('created');
    this.logger.info({ player_id: user.id }, 'user_created');
    return toUser(user);
  }

  /** @throws AppError user_not_found */
  async getUser({ id }: GetUserRequest): Promise<Answer<User>> {
    const owner = restrictedTo();
    if (owner !== undefined && owner !== id) throw userNotFound(id);
    const cached = await this.cache.get(id);
    if (cached === 'deleted') throw userNotFound(id);
    if (cached) return toUser(cached);
    const user = await this.repository.find(id, owner);
    if (!user) throw userNotFound(id);
    await this.cache.put(user);
    return toUser(user);
  }

  /** Oldest first; with an address who has it. @throws AppError page_token_invalid */
  async listUsers({ pageSize = 20, pageToken, email }: ListUsersRequest): Promise<ListUsersResponse> {
    const emailKey = email === undefined ? undefined : canonicalEmail(email);
    const [after = 0] = this.tokens.decode(emailKey ?? null, pageToken) ?? [];
    const found = await this.repository.list(emailKey, after, pageSize + 1);
    const { page, nextPageToken } = this.tokens.cut(emailKey ?? null, found, pageSize, ({ seq }) => [seq]);
    return { users: page.map((user) => toUser(user)), nextPageToken };
  }

  /** @throws AppError user_not_found, version_mismatch, email_taken, resource_busy */
  async updateUser({ id, name, email, age, clear, expectedVersion }: UpdateUserRequest): Promise<Answer<User>> {
    const owner = restrictedTo();
    await using held = await this.lock.hold(lockOf(id, owner));
    const user = await this.repository.find(id, owner);
    if (!user) throw userNotFound(id);
    if (expectedVersion !== undefined && expectedVersion !== user.version)
      throw versionMismatch(expectedVersion, user.version);
    const changed = {
      ...user,
      name: name ?? user.name,
      email: email ?? user.email,
      emailKey: email === undefined ? user.emailKey : (canonicalEmail(email) ?? email),
      age: clear.includes('age') ? null : (age ?? user.age),
      version: user.version + 1,
      updatedAt: Math.max(this.clock.steady(), user.updatedAt),
    };
    held.check();
    const work = () => this.repository.replace(changed, user.version, owner);
    if (!(await this.cache.replace(changed, work))) throw resourceBusy();
    this.metrics.count('updated');
    this.logger.debug({ player_id: id, version: changed.version, by: principalOf(currentCaller()) }, 'user_updated');
    return toUser(changed);
  }

  /** @throws AppError user_not_found, resource_busy */
  async deleteUser({ id }: DeleteUserRequest): Promise<DeleteUserResponse> {
    const owner = restrictedTo();
    await using held = await this.lock.hold(lockOf(id, owner));
    const user = await this.repository.find(id, owner);
    if (!user) throw userNotFound(id);
    held.check();
    if (!(await this.cache.remove(user, () => this.repository.remove(id, user.version, owner)))) throw resourceBusy();
    this.metrics.count('deleted');
    this.logger.info({ player_id: id, by: principalOf(currentCaller()) }, 'user_deleted');
    return {};
  }
}

/** Nobody may keep a stranger's lock busy. */
function lockOf(id: string, owner: string | undefined): string {
  if (owner !== undefined && owner !== id) throw userNotFound(id);
  return `user:${id}`;
}

/** A user as everybody sees it; the version is that of the row. */
function toUser({ id, name, email, age, version, createdAt, updatedAt }: UserRow, facts?: AnswerFacts): Answer<User> {
  const times = { createdAt: toTime(createdAt), updatedAt: toTime(updatedAt) };
  return answer({ id, name, email, ...(age === null ? {} : { age }), version, ...times }, { version, ...facts });
}
