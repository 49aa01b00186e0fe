import { Injectable } from '@nestjs/common';
import { StandingRegistry } from '../../shared/auth/standing';
import { Cache } from '../../shared/cache/cache';
import type { UserRow } from './users.entity';

const space = { service: 'users', name: 'user' } as const;

type Entry = { readonly user: UserRow } | { readonly deleted: true };

/** Users as they were read or written last. */
@Injectable()
export class UsersCache {
  constructor(
    private readonly cache: Cache,
    private readonly standings: StandingRegistry,
  ) {}

  /** 'deleted': a moment ago. */
  async get(id: string): Promise<UserRow | 'deleted' | undefined> {
    const entry = await this.cache.get<Entry>(space, id);
    if (!entry) return undefined;
    return 'user' in entry ? entry.user : 'deleted';
  }

  put(user: UserRow): Promise<void> {
    return this.cache.put(space, user.id, { user }, user.version);
  }

  /**
   * A tombstone rather than nothing: a slow reader would put back what it has read before. After it the user's tokens hold
   * no more: whoever asks for their standing does not find the user here.
   */
  async remove(id: string, version: number): Promise<void> {
    await this.cache.put(space, id, { deleted: true }, version + 1);
    this.standings.forget(id);
  }
}
