import { setTimeout as sleep } from 'node:timers/promises';
import { TimeLimitError } from '../../../src/shared/async/within';
import type { Cache } from '../../../src/shared/cache/cache';
import { CacheMetrics, cacheMetrics } from '../../../src/shared/cache/cache.metrics';
import { MemoryCache } from '../../../src/shared/cache/memory.cache';
import { RedisCache } from '../../../src/shared/cache/redis.cache';
import type { Config } from '../../../src/shared/config/config';
import type { RedisClient } from '../../../src/shared/redis/redis.client';
import { RedisClients } from '../../../src/shared/redis/redis.clients';
import { RedisPatience } from '../../../src/shared/redis/redis.patience';
import { eventually } from '../../support/eventually';
import { metricsOf } from '../../support/metrics';
import { recordingLogger } from '../../support/recording-logger';
import { type RedisServer, redisCall, startRedis, startRedisCluster, waitPatiently } from '../../support/redis';

// Copies of what SQL holds: one suite on every cache. With Redis two processes share them.

const space = { service: 'tested', name: 'thing' };
const ttlMs = 60_000;

interface Opened extends AsyncDisposable {
  readonly both: readonly [Cache, Cache];
}

async function memory(): Promise<Opened> {
  const cache = new MemoryCache({ cacheTtlMs: ttlMs } as unknown as Config, metricsOf(CacheMetrics, cacheMetrics));
  return { both: [cache, cache], [Symbol.asyncDispose]: async () => undefined };
}

async function redisAt(
  url: string,
  server: AsyncDisposable,
  prepare = (client: RedisClient) => client,
): Promise<Opened> {
  const clients = new RedisClients(recordingLogger().logger);
  const open = async (): Promise<Cache> => {
    const metrics = metricsOf(CacheMetrics, cacheMetrics);
    return new RedisCache(prepare(await clients.open(url)), ttlMs, metrics, recordingLogger().logger);
  };
  const both = [await open(), await open()] as const;
  const close = async (): Promise<void> => {
    await clients.onApplicationShutdown();
    await server[Symbol.asyncDispose]();
  };
  return { both, [Symbol.asyncDispose]: close };
}

/** However slow the machine is, nobody goes on without it for that. */
function patientWithRedis(): void {
  jest.spyOn(RedisPatience.prototype, 'wait').mockImplementation((work) => work);
}

const kinds: [string, () => Promise<Opened>][] = [
  ['memory', memory],
  ['redis', async () => startRedis().then((server) => redisAt(server.url, server, waitPatiently))],
  ['a Redis cluster', async () => startRedisCluster().then((set) => redisAt(set.url, set, waitPatiently))],
];

const copy = (key: string, version: number) => ({ key, value: { version, text: 'å:1' }, version });
/** A change that commits this version. */
const changed = (cache: Cache, key: string, version: number, work: () => Promise<unknown> = async () => undefined) =>
  cache.change(space, [key], work, () => [copy(key, version)]);
const versionIn = async (cache: Cache, key: string) =>
  (await cache.get<{ version: number; text: string }>(space, key))?.version;

describe.each(kinds)('%s', (_name, open) => {
  let opened: Opened;
  let one: Cache;
  let two: Cache;
  beforeAll(async () => {
    opened = await open();
    [one, two] = opened.both;
    // A cluster may need more than the second that opening waits for it.
    await eventually(async () => {
      await one.put(space, copy('opened', 1));
      expect(await versionIn(two, 'opened')).toBe(1);
    });
  });
  afterAll(() => opened[Symbol.asyncDispose]());
  beforeEach(patientWithRedis);
  afterEach(() => jest.restoreAllMocks());

  test('what one has read both have; of two versions the higher stays', async () => {
    expect(await versionIn(one, 'a')).toBeUndefined();
    await one.put(space, copy('a', 2));
    expect(await two.get(space, 'a')).toEqual({ version: 2, text: 'å:1' });
    await two.put(space, copy('a', 1));
    expect(await versionIn(one, 'a')).toBe(2);
    await changed(two, 'a', 3);
    expect(await versionIn(one, 'a')).toBe(3);
    expect(await one.get({ ...space, name: 'other' }, 'a')).toBeUndefined();
  });

  test('many changed at once, and what was not changed after all', async () => {
    const keys = Array.from({ length: 50 }, (_, i) => `many-${i}`);
    for (const key of keys.slice(0, 10)) await one.put(space, copy(key, 1));
    const made = keys.slice(0, 40).map((key) => copy(key, 2));
    expect(
      await two.change(
        space,
        keys,
        async () => 'done',
        () => made,
      ),
    ).toBe('done');
    expect(await Promise.all(keys.map((key) => versionIn(one, key)))).toEqual([
      ...new Array(40).fill(2),
      ...new Array(10).fill(undefined),
    ]);
  });

  test('what fails throws its own error', async () => {
    await expect(changed(one, 'failing', 2, () => Promise.reject(new Error('conflict')))).rejects.toThrow('conflict');
  });
});

describe('Redis', () => {
  let server: RedisServer;
  let opened: Opened;
  let one: Cache;
  let two: Cache;
  beforeAll(async () => {
    server = await startRedis();
    opened = await redisAt(server.url, server);
    [one, two] = opened.both;
  });
  afterAll(() => opened[Symbol.asyncDispose]());
  afterEach(() => jest.restoreAllMocks());
  const marked = (key: string) => redisCall(server.url, 'SCARD', `aerie:{cache-0}:tested:thing:${key}:changes`);

  test('while a change is under way no process uses copies or keeps what it has read', async () => {
    patientWithRedis();
    await one.put(space, copy('busy', 1));
    await changed(one, 'busy', 2, async () => {
      expect(await versionIn(two, 'busy')).toBeUndefined();
      await two.put(space, copy('busy', 1));
      await changed(two, 'busy', 3);
      // The other change is not over.
      expect(await versionIn(two, 'busy')).toBeUndefined();
    });
    expect(await versionIn(two, 'busy')).toBe(3);
  });

  test('a process that dies after its COMMIT leaves no stale copy, and its mark ends by itself', async () => {
    patientWithRedis();
    await one.put(space, copy('dying', 1));
    void changed(one, 'dying', 2, () => new Promise(() => undefined));
    await eventually(async () => expect(await marked('dying')).toBe(1));
    expect(await versionIn(two, 'dying')).toBeUndefined();
    const left = await redisCall(server.url, 'PTTL', 'aerie:{cache-0}:tested:thing:dying:changes');
    expect(left).toBeGreaterThan(5000);
    expect(left).toBeLessThanOrEqual(10_000);
  });

  test('a COMMIT whose outcome is unknown: what was kept before is removed, and the mark stays', async () => {
    patientWithRedis();
    await one.put(space, copy('unknown', 1));
    await expect(changed(one, 'unknown', 2, () => Promise.reject(new Error('lost')))).rejects.toThrow('lost');
    await eventually(async () =>
      expect(await redisCall(server.url, 'EXISTS', 'aerie:{cache-0}:tested:thing:unknown')).toBe(0),
    );
    expect(await marked('unknown')).toBe(1);
    // Somebody has read it before the COMMIT, perhaps.
    await two.put(space, copy('unknown', 1));
    expect(await redisCall(server.url, 'EXISTS', 'aerie:{cache-0}:tested:thing:unknown')).toBe(0);
  });

  test('silent during a change: what it still has is not used here, and nowhere soon after it is back', async () => {
    await one.put(space, copy('frozen', 1));
    // What the tests before have left to remove would ask, too.
    const doubted = (cache: Cache) => (cache as unknown as { doubted: Map<string, number> }).doubted.size;
    await eventually(async () => expect([doubted(one), doubted(two)]).toEqual([0, 0]));
    server.freeze();
    const waited = jest.spyOn(RedisPatience.prototype, 'wait');
    // However slow the machine is, the second of silence does not pass.
    const clock = jest.spyOn(performance, 'now').mockReturnValue(performance.now());
    for (let version = 2; version < 6; version += 1) await changed(one, 'frozen', version);
    clock.mockRestore();
    server.resume();
    const ends = await Promise.allSettled(waited.mock.results.map(({ value }) => value as Promise<unknown>));
    waited.mockRestore();
    // The first has waited, the others know. Without a connection nobody waits.
    const inVain = ends.filter((end) => end.status === 'rejected' && end.reason instanceof TimeLimitError);
    expect(inVain.length).toBeLessThanOrEqual(1);
    expect(await versionIn(one, 'frozen')).toBeUndefined();
    await eventually(async () =>
      expect(await redisCall(server.url, 'EXISTS', 'aerie:{cache-0}:tested:thing:frozen')).toBe(0),
    );
    await sleep(1200);
    await eventually(async () => {
      await one.put(space, copy('frozen', 5));
      expect(await versionIn(two, 'frozen')).toBe(5);
    });
  });

  test('gone, emptied and back: it asks SQL, and keeps copies again', async () => {
    await one.put(space, copy('gone', 1));
    await server.kill();
    expect(await versionIn(one, 'gone')).toBeUndefined();
    await one.put(space, copy('gone', 1));
    await changed(one, 'gone', 2);
    await server.restart();
    await eventually(async () => {
      await one.put(space, copy('gone', 2));
      expect(await versionIn(two, 'gone')).toBe(2);
    });
    await redisCall(server.url, 'FLUSHALL');
    expect(await versionIn(two, 'gone')).toBeUndefined();
  });
});
