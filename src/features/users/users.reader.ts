import { Injectable } from '@nestjs/common';
import type { ListUsersRequest, ListUsersResponse } from '../../generated/aerie/users/v1/users';
import { PageTokens, rowNumber } from '../../shared/contract/page-token';
import { canonicalEmail } from '../../shared/text/email';
import { UsersCache } from './users.cache';
import { userNotFound } from './users.errors';
import { type StoredUser, UsersRepository } from './users.repository';
import { toUser } from './users.user';

/** Users as they are. */
@Injectable()
export class UsersReader {
  private readonly tokens;

  constructor(
    private readonly repository: UsersRepository,
    private readonly cache: UsersCache,
    pageTokens: PageTokens,
  ) {
    this.tokens = pageTokens.of('users', rowNumber);
  }

  /** `owner`: the only user that the caller may see; undefined: all. @throws AppError user_not_found */
  async user(id: string, owner: string | undefined): Promise<StoredUser> {
    if (owner !== undefined && owner !== id) throw userNotFound(id);
    const cached = await this.cache.get(id);
    if (cached === 'gone') throw userNotFound(id);
    if (cached) return cached;
    const user = await this.repository.find(id, owner);
    if (!user) throw userNotFound(id);
    await this.cache.put(user);
    return user;
  }

  async list({ pageSize = 20, pageToken, email }: ListUsersRequest): Promise<ListUsersResponse> {
    const emailKey = email === undefined ? undefined : canonicalEmail(email);
    const [after = 0] = this.tokens.decode(emailKey ?? null, pageToken) ?? [];
    const found = await this.repository.list(emailKey, after, pageSize + 1);
    const { page, nextPageToken } = this.tokens.cut(emailKey ?? null, found, pageSize, ({ seq }) => [seq]);
    return { users: page.map(toUser), nextPageToken };
  }
}
