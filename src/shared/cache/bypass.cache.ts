import { Injectable } from '@nestjs/common';
import { Cache, type CacheSpace } from './cache';
import { CacheMetrics } from './cache.metrics';

/** Caches nothing: several processes share the database, and a copy in this one would go stale unnoticed. */
@Injectable()
export class BypassCache extends Cache {
  constructor(private readonly metrics: CacheMetrics) {
    super();
  }

  override async get(space: CacheSpace): Promise<undefined> {
    this.metrics.count(space.service, 'get', 'bypass');
  }

  override async put(): Promise<void> {}

  override change<Result>(_space: CacheSpace, _keys: readonly string[], work: () => Promise<Result>): Promise<Result> {
    return work();
  }
}
