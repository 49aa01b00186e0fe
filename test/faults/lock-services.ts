import { startEtcd } from '../support/etcd';
import { startRedis } from '../support/redis';

/** What a kind of lock needs, and the variables that choose it. */
export interface OpenService extends AsyncDisposable {
  readonly env: Readonly<Record<string, string>>;
}

export interface LockService {
  readonly lock: 'memory' | 'redis' | 'etcd';
  open(): Promise<OpenService>;
}

async function redis(): Promise<OpenService> {
  const server = await startRedis();
  const env = { LOCK_TYPE: 'redis', REDIS_URL: server.url };
  return { env, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

async function etcd(): Promise<OpenService> {
  // Leases of one second in place of two: etcd derives the shortest from how long an election takes.
  const cluster = await startEtcd(1, ['--heartbeat-interval', '50', '--election-timeout', '500']);
  const env = { LOCK_TYPE: 'etcd', ETCD_ENDPOINTS: cluster.endpoints.join(',') };
  return { env, [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose]() };
}

/** Every kind of lock with a service of its own; for `test.each`. */
export const lockServices: readonly LockService[] = [
  {
    lock: 'memory',
    open: async () => ({ env: { LOCK_TYPE: 'memory' }, [Symbol.asyncDispose]: async () => undefined }),
  },
  { lock: 'redis', open: redis },
  { lock: 'etcd', open: etcd },
];
