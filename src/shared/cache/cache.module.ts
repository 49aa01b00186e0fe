import { Module } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { Config } from '../config/config';
import { RedisClients } from '../redis/redis.clients';
import { RedisModule } from '../redis/redis.module';
import { BypassCache } from './bypass.cache';
import { Cache } from './cache';
import { CacheMetrics, cacheMetrics } from './cache.metrics';
import { MemoryCache } from './memory.cache';
import { RedisCache } from './redis.cache';

/** Memory only with SQLite, which belongs to one process. */
function choose(config: Config, { main }: RedisClients, metrics: CacheMetrics, logger: PinoLogger): Cache {
  const urls = [config.database.url, ...Object.values(config.database.byFeature)];
  if (config.cacheTtlMs === 0) return new BypassCache(metrics);
  if (urls.every((url) => url.startsWith('sqlite:'))) return new MemoryCache(config, metrics);
  return main ? new RedisCache(main, config.cacheTtlMs, metrics, logger) : new BypassCache(metrics);
}

@Module({
  imports: [RedisModule],
  providers: [
    CacheMetrics,
    ...cacheMetrics,
    { provide: Cache, inject: [Config, RedisClients, CacheMetrics, PinoLogger], useFactory: choose },
  ],
  exports: [Cache],
})
export class CacheModule {}
