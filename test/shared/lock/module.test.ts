import { Test } from '@nestjs/testing';
import { ConfigModule } from '../../../src/shared/config/config.module';
import { loadConfig } from '../../../src/shared/config/load-config';
import { HealthModule } from '../../../src/shared/health/health.module';
import { Readiness } from '../../../src/shared/health/readiness';
import { LifecycleModule } from '../../../src/shared/lifecycle/lifecycle.module';
import { EtcdLock } from '../../../src/shared/lock/etcd.lock';
import { Lock } from '../../../src/shared/lock/lock';
import { LockModule } from '../../../src/shared/lock/lock.module';
import { MemoryLock } from '../../../src/shared/lock/memory.lock';
import { RedisLock } from '../../../src/shared/lock/redis.lock';
import { LoggingModule } from '../../../src/shared/logging/logging.module';
import { MetricsModule } from '../../../src/shared/metrics/metrics.module';
import { RedisModule } from '../../../src/shared/redis/redis.module';
import { startEtcd } from '../../support/etcd';
import { eventually } from '../../support/eventually';
import { redisCall, startRedis } from '../../support/redis';

// Which lock a process has, and that it leaves nothing locked when it ends.

function build(env: Record<string, string>) {
  const config = loadConfig({ LOG_LEVEL: 'error', ...env }, []);
  const shared = [LoggingModule.forRoot('error', []), LifecycleModule, MetricsModule, HealthModule];
  const imports = [ConfigModule.forRoot(config), ...shared, RedisModule, LockModule];
  return Test.createTestingModule({ imports }).compile();
}

test('unless told: memory, and nothing to report', async () => {
  const app = await build({});
  expect(app.get(Lock)).toBeInstanceOf(MemoryLock);
  expect((await app.get(Readiness).report()).checks).toEqual({ process: expect.anything() });
  await app.close();
});

test('redis: over REDIS_URL, reported, and given back before the connection is closed', async () => {
  await using server = await startRedis();
  const app = await build({ LOCK_TYPE: 'redis', REDIS_URL: server.url });
  expect(app.get(Lock)).toBeInstanceOf(RedisLock);
  await eventually(async () =>
    expect((await app.get(Readiness).report()).checks).toMatchObject({
      redis: { status: 'healthy' },
      lock: { status: 'healthy' },
    }),
  );
  await app.get(Lock).hold('user:1');
  expect(await redisCall(server.url, 'DBSIZE')).toBe(1);
  await app.close();
  expect(await redisCall(server.url, 'DBSIZE')).toBe(0);
  expect(
    String(await redisCall(server.url, 'CLIENT', 'LIST'))
      .trim()
      .split('\n'),
  ).toHaveLength(1);
});

test('etcd: reported, and given back at the end', async () => {
  await using etcd = await startEtcd(1);
  // It lives for longer than the other one waits.
  const waits = { LOCK_TTL_MS: '60000', LOCK_WAIT_MS: '4000' };
  const env = { LOCK_TYPE: 'etcd', ETCD_ENDPOINTS: etcd.endpoints.join(','), ...waits };
  const [app, other] = [await build(env), await build(env)];
  expect(app.get(Lock)).toBeInstanceOf(EtcdLock);
  await eventually(async () =>
    expect((await app.get(Readiness).report()).checks).toMatchObject({ lock: { status: 'healthy' } }),
  );
  await app.get(Lock).hold('user:1');
  await app.close();
  await using held = await other.get(Lock).hold('user:1');
  held.check();
  await other.close();
});
