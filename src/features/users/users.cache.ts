import { Injectable } from '@nestjs/common';
import { Cache } from '../../shared/cache/cache';
import type { StoredUser } from './users.repository';

const space = { service: 'users', name: 'user' } as const;

type Entry = { readonly user: StoredUser } | { readonly gone: true };

/** Users as they were read or written last. */
@Injectable()
export class UsersCache {
  constructor(private readonly cache: Cache) {}

  /** 'gone': deleted a moment ago. */
  async get(id: string): Promise<StoredUser | 'gone' | undefined> {
    const entry = await this.cache.get<Entry>(space, id);
    if (!entry) return undefined;
    return 'user' in entry ? entry.user : 'gone';
  }

  put(user: StoredUser): Promise<void> {
    return this.cache.put(space, user.id, { user }, user.version);
  }

  /** A gravestone rather than nothing: a slow reader would put back what it has read before. */
  remove(id: string, version: number): Promise<void> {
    return this.cache.put(space, id, { gone: true }, version + 1);
  }
}
