import { Module } from '@nestjs/common';
import { Config } from '../config/config';
import { BypassCache } from './bypass.cache';
import { Cache } from './cache';
import { CacheMetrics, cacheMetrics } from './cache.metrics';
import { MemoryCache } from './memory.cache';

/** Memory only with SQLite, which belongs to one process. */
function choose(config: Config, metrics: CacheMetrics): Cache {
  const urls = [config.database.url, ...Object.values(config.database.byFeature)];
  const alone = urls.every((url) => url.startsWith('sqlite:'));
  return alone && config.cacheTtlMs > 0 ? new MemoryCache(config, metrics) : new BypassCache(metrics);
}

@Module({
  providers: [CacheMetrics, ...cacheMetrics, { provide: Cache, inject: [Config, CacheMetrics], useFactory: choose }],
  exports: [Cache],
})
export class CacheModule {}
