import { Injectable } from '@nestjs/common';
import { StandingRegistry } from '../../shared/auth/standing';
import { Cache, type Copy } from '../../shared/cache/cache';
import type { UserRow } from './users.entity';

const space = { service: 'users', name: 'user' } as const;

type Entry = { readonly user: UserRow } | { readonly deleted: true };

function copyOf(user: UserRow): Copy {
  return { key: user.id, value: { user }, version: user.version };
}

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

  /** What was just read. */
  put(user: UserRow): Promise<void> {
    return this.cache.put(space, copyOf(user));
  }

  /** Runs `work`, which makes the user this one, or answers false and changes nothing. */
  replace(changed: UserRow, work: () => Promise<boolean>): Promise<boolean> {
    return this.cache.change(space, [changed.id], work, (done) => (done ? [copyOf(changed)] : []));
  }

  /**
   * Runs `work`, which deletes the user, or answers false and changes nothing. A tombstone rather than nothing: a slow reader
   * would put back what it has read before. After it the user's tokens hold no more: whoever asks for their standing does not
   * find the user here.
   */
  async remove({ id, version }: UserRow, work: () => Promise<boolean>): Promise<boolean> {
    const tombstone = { key: id, value: { deleted: true }, version: version + 1 };
    const done = await this.cache.change(space, [id], work, (deleted) => (deleted ? [tombstone] : []));
    if (done) this.standings.forget(id);
    return done;
  }
}
