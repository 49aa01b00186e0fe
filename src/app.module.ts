import { type DynamicModule, Module } from '@nestjs/common';
import { features as allFeatures } from './features/index';
import { AuthModule } from './shared/auth/auth.module';
import { BusModule } from './shared/bus/bus.module';
import { CacheModule } from './shared/cache/cache.module';
import { ClockModule } from './shared/clock/clock.module';
import type { Config } from './shared/config/config';
import { ConfigModule } from './shared/config/config.module';
import { DbModule } from './shared/db/db.module';

import { HealthModule } from './shared/health/health.module';
import { IdempotencyModule } from './shared/idempotency/idempotency.module';
import { LifecycleModule } from './shared/lifecycle/lifecycle.module';
import { LockModule } from './shared/lock/lock.module';
import { LoggingModule } from './shared/logging/logging.module';
import { MetricsModule } from './shared/metrics/metrics.module';
import { RateLimitModule } from './shared/rate-limit/rate-limit.module';
import { RedisModule } from './shared/redis/redis.module';
import type { Feature } from './shared/rpc/feature';
import type { RouteTable } from './shared/rpc/route-table';
import { RpcModule } from './shared/rpc/rpc.module';

export const featureNames = allFeatures.map((feature) => feature.contract.name);

/** The features that run in this process. */
export function featuresOf(config: Config): Feature[] {
  return allFeatures.filter((feature) => config.modules.includes(feature.contract.name));
}

/** What this process is made of: what all features stand on, and the features that run here. */
@Module({})
export class AppModule {
  static forRoot(config: Config, features: readonly Feature[], routes: RouteTable): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConfigModule.forRoot(config),
        LoggingModule.forRoot(config.logLevel),
        ClockModule,
        LifecycleModule,
        MetricsModule,
        HealthModule,
        RpcModule.forRoot(routes),
        AuthModule,
        DbModule.forRoot(features),
        IdempotencyModule,
        BusModule,
        CacheModule,
        RedisModule,
        LockModule,
        RateLimitModule,
        ...features.map((feature) => feature.module),
      ],
    };
  }
}
