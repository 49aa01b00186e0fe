import type { CheckResult } from '../../../src/shared/health/readiness';
import { EtcdLock } from '../../../src/shared/lock/etcd.lock';
import { LockMetrics, lockMetrics } from '../../../src/shared/lock/lock.metrics';
import { MemoryLock } from '../../../src/shared/lock/memory.lock';
import type { LockParts, QueuedLock } from '../../../src/shared/lock/queued.lock';
import { RedisLock } from '../../../src/shared/lock/redis.lock';
import { Metrics } from '../../../src/shared/metrics/metrics';
import { RedisClients } from '../../../src/shared/redis/redis.clients';
import { type EtcdCluster, startEtcd } from '../../support/etcd';
import { metricsOf } from '../../support/metrics';
import { recordingLogger } from '../../support/recording-logger';
import { startRedis } from '../../support/redis';
import type { DatabaseServer } from '../../support/servers';

/** Long unless told, so that no lock ends and nobody gives up because the machine is busy otherwise. */
export interface LockOptions {
  readonly ttlMs?: number;
  readonly waitMs?: number;
}

const long = { ttlMs: 60_000, waitMs: 50_000 };

/** A lock as one process has it. */
export interface OpenLock {
  readonly lock: QueuedLock;
  readonly logged: readonly string[];
  /** Changes the limits for all who come from now on. */
  set(options: LockOptions): void;
  /** The value of a metric, such as `lock_lost_total{lock="user"}`; 0 when it was never counted. */
  metric(name: string): Promise<number>;
  check(): Promise<CheckResult>;
  /** Cuts it off from the service, as the death of its process would: nothing is given back. */
  die(): Promise<void>;
  close(): Promise<void>;
}

/** What a lock stands on, with nobody holding anything. */
export interface LockService {
  readonly servers: readonly DatabaseServer[];
  /** Another process's lock. */
  open(options?: LockOptions): Promise<OpenLock>;
  /** Of etcd. */
  leader(): Promise<DatabaseServer>;
  stop(): Promise<void>;
}

export interface LockKind {
  readonly name: string;
  start(): Promise<LockService>;
}

const nobody = { status: 'healthy' } as const;

interface Made {
  readonly lock: QueuedLock & { check?(): Promise<CheckResult> };
  die(): Promise<void>;
  close(): Promise<void>;
}

function service(
  servers: readonly DatabaseServer[],
  parts: { readonly redisUrls?: readonly string[]; readonly etcd?: EtcdCluster },
  make: (parts: LockParts) => Promise<Made>,
): LockService {
  const opened: OpenLock[] = [];
  return {
    servers,
    leader: async () => parts.etcd?.leader() ?? Promise.reject(new Error('Nobody leads')),
    open: async (options = {}) => {
      const metrics = new Metrics();
      const { logger, told: logged } = recordingLogger();
      const config = {
        type: 'memory' as const,
        ...long,
        ...options,
        redisUrls: parts.redisUrls ?? [],
        etcdEndpoints: parts.etcd?.endpoints ?? [],
      };
      const made = await make({ config, metrics: metricsOf(LockMetrics, lockMetrics, metrics), logger });
      const metric = async (name: string): Promise<number> => {
        const line = (await metrics.registry.metrics()).split('\n').find((each) => each.startsWith(`${name} `));
        return Number(line?.slice(name.length) ?? 0);
      };
      const set = (changed: LockOptions): void => void Object.assign(config, changed);
      const open = { ...made, logged, set, metric, check: async () => (await made.lock.check?.()) ?? nobody };
      opened.push(open);
      return open;
    },
    stop: async () => {
      for (const server of servers) server.resume();
      await Promise.all(opened.map((each) => each.close()));
      await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
    },
  };
}

async function startMemory(): Promise<LockService> {
  return service([], {}, async (parts) => {
    const lock = new MemoryLock(parts);
    return { lock, die: async () => undefined, close: () => lock.close() };
  });
}

async function startRedises(count: number): Promise<LockService> {
  const servers = await Promise.all(Array.from({ length: count }, () => startRedis()));
  return service(servers, { redisUrls: servers.map(({ url }) => url) }, async (parts) => {
    const clients = new RedisClients(parts.logger);
    const lock = await RedisLock.open(parts, clients);
    const die = () => clients.onApplicationShutdown();
    return {
      lock,
      die,
      close: async () => {
        await lock.close();
        await die();
      },
    };
  });
}

async function startEtcds(size: 1 | 3): Promise<LockService> {
  const etcd = await startEtcd(size);
  return service(etcd.members, { etcd }, async (parts) => {
    const lock = await EtcdLock.open(parts);
    const { etcd: endpoints } = lock as unknown as { readonly etcd: { close(): void } };
    return { lock, die: async () => endpoints.close(), close: () => lock.close() };
  });
}

export const redisLock: LockKind = { name: 'redis (1 node)', start: () => startRedises(1) };
export const redlock: LockKind = { name: 'redis (3 nodes)', start: () => startRedises(3) };
export const etcdLock: LockKind = { name: 'etcd (1 member)', start: () => startEtcds(1) };
export const etcdClusterLock: LockKind = { name: 'etcd (3 members)', start: () => startEtcds(3) };
export const memoryLock: LockKind = { name: 'memory', start: startMemory };

/** Locks between processes. */
export const sharedLocks: readonly LockKind[] = [redisLock, redlock, etcdLock, etcdClusterLock];
export const everyLock: readonly LockKind[] = [memoryLock, ...sharedLocks];

/** The code with which a hold is refused, and after how many milliseconds; fails when it is not. */
export async function refusal(
  holding: Promise<AsyncDisposable>,
): Promise<{ code: string; ms: number; error: unknown }> {
  const began = performance.now();
  try {
    await using _held = await holding;
  } catch (error) {
    return { code: (error as { code: string }).code, ms: performance.now() - began, error };
  }
  throw new Error('The lock was granted');
}
