import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Config } from '../config/config';
import { Cache, type CacheSpace, type Copy } from './cache';
import { CacheMetrics } from './cache.metrics';

const maxEntries = 20_000;

/** In this process: right only while no other process writes what is cached here. */
@Injectable()
export class MemoryCache extends Cache {
  private readonly entries: LRUCache<string, Copy>;

  constructor(
    config: Config,
    private readonly metrics: CacheMetrics,
  ) {
    super();
    this.entries = new LRUCache({ max: maxEntries, ttl: config.cacheTtlMs });
  }

  override async get<Value extends object>(space: CacheSpace, key: string): Promise<Value | undefined> {
    const entry = this.entries.get(keyIn(space, key));
    this.metrics.count(space.service, 'get', entry ? 'hit' : 'miss');
    return entry?.value as Value | undefined;
  }

  override async put(space: CacheSpace, copy: Copy): Promise<void> {
    const full = keyIn(space, copy.key);
    // A slow reader must not put back what a writer has replaced meanwhile.
    const older = (this.entries.peek(full)?.version ?? 0) > copy.version;
    if (!older) this.entries.set(full, copy);
    this.metrics.count(space.service, 'put', older ? 'outdated' : 'stored');
  }

  /** With the process its copies are gone. */
  override async change<Result>(
    space: CacheSpace,
    _keys: readonly string[],
    work: () => Promise<Result>,
    made: (result: Result) => readonly Copy[],
  ): Promise<Result> {
    const result = await work();
    for (const copy of made(result)) await this.put(space, copy);
    return result;
  }
}

function keyIn(space: CacheSpace, key: string): string {
  return `${space.service}:${space.name}:${key}`;
}
