import { Module, type OnApplicationShutdown } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { Config } from '../config/config';
import { HealthModule } from '../health/health.module';
import { Readiness } from '../health/readiness';
import { RedisClients } from '../redis/redis.clients';
import { RedisModule } from '../redis/redis.module';
import { EtcdLock } from './etcd.lock';
import { Lock } from './lock';
import { LockMetrics, lockMetrics } from './lock.metrics';
import { MemoryLock } from './memory.lock';
import { type LockParts, QueuedLock } from './queued.lock';
import { RedisLock } from './redis.lock';

async function open(parts: LockParts, redis: RedisClients, readiness: Readiness): Promise<QueuedLock> {
  const { type } = parts.config;
  if (type === 'memory') return new MemoryLock(parts);
  const lock = type === 'redis' ? await RedisLock.open(parts, redis) : await EtcdLock.open(parts);
  readiness.add('lock', () => lock.check());
  return lock;
}

const chosen = {
  provide: QueuedLock,
  inject: [Config, LockMetrics, PinoLogger, RedisClients, Readiness],
  useFactory: (
    { lock: config }: Config,
    metrics: LockMetrics,
    logger: PinoLogger,
    redis: RedisClients,
    readiness: Readiness,
  ) => open({ config, metrics, logger }, redis, readiness),
};

@Module({
  imports: [RedisModule, HealthModule],
  providers: [LockMetrics, ...lockMetrics, chosen, { provide: Lock, useExisting: QueuedLock }],
  exports: [Lock],
})
export class LockModule implements OnApplicationShutdown {
  constructor(private readonly lock: QueuedLock) {}

  onApplicationShutdown(): Promise<void> {
    return this.lock.close();
  }
}
