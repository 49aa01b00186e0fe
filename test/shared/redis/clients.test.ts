import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../../../src/shared/config/config';
import type { CheckResult, Readiness } from '../../../src/shared/health/readiness';
import { connections, type RedisClient } from '../../../src/shared/redis/redis.client';
import { RedisClients } from '../../../src/shared/redis/redis.clients';
import { settlesAtOnce } from '../../support/at-once';
import { eventually } from '../../support/eventually';
import { recordingLogger } from '../../support/recording-logger';
import { redisCall, startRedis, startRedisCluster, startSentinel } from '../../support/redis';

// What a Redis client of ours promises, in every form that a URL can name.

interface Opened {
  readonly clients: RedisClients;
  readonly main: RedisClient;
  /** All that was logged, as it is printed. */
  readonly printed: () => string;
  check(): Promise<CheckResult>;
}

const opened: RedisClients[] = [];
afterEach(async () => {
  for (const clients of opened.splice(0)) await clients.onApplicationShutdown();
});

async function open(redisUrl: string): Promise<Opened> {
  const { logger, lines } = recordingLogger();
  const checks = new Map<string, () => Promise<CheckResult>>();
  const readiness = { add: (name: string, check: () => Promise<CheckResult>) => checks.set(name, check) };
  const clients = await RedisClients.create({ redisUrl } as Config, logger, readiness as unknown as Readiness);
  opened.push(clients);
  return { clients, main: clients.main!, printed: () => JSON.stringify(lines), check: checks.get('redis')! };
}

/** Opening waits a second at most, which a machine under load can need for a set of servers. */
async function openConnected(redisUrl: string): Promise<Opened> {
  const made = await open(redisUrl);
  const states = () => [made.main, ...connections(made.main)].map(({ status }) => status);
  await eventually(async () => expect(new Set(states())).toEqual(new Set(['ready'])));
  return made;
}

async function failure(work: Promise<unknown>): Promise<void> {
  await expect(work).rejects.toThrow();
}

async function failureAtOnce(work: Promise<unknown>): Promise<void> {
  expect(await settlesAtOnce(work)).toBe(true);
  await failure(work);
}

test('without REDIS_URL there is no client and no check', async () => {
  const readiness = { add: () => expect(true).toBe(false) };
  const clients = await RedisClients.create(
    { redisUrl: undefined } as Config,
    recordingLogger().logger,
    readiness as never,
  );
  expect(clients.main).toBeUndefined();
  await clients.onApplicationShutdown();
});

test('one server: many commands of one tick, a database of its own', async () => {
  await using server = await startRedis();
  const { main, clients } = await openConnected(`${server.url}/3`);
  await Promise.all(Array.from({ length: 200 }, () => main.incr('n')));
  const other = await clients.open(server.url);
  expect(await main.get('n')).toBe('200');
  expect(await other.get('n')).toBeNull();
});

test('a database that the server does not have: degraded, and never another one in its place', async () => {
  await using server = await startRedis({ args: ['--databases', '2'] });
  await using set = await startSentinel();
  const { clients, main, check, printed } = await open(`${server.url}/2`);
  const all = [main, await clients.open(`${server.url}/99`), await clients.open(`${set.url}/99`)];
  const pauses: number[] = [];
  for (const client of all) client.on('reconnecting', (ms: number) => pauses.push(ms));
  // Through several connections: what is sent while one is being refused counts.
  await eventually(async () => {
    await Promise.all(all.map((client) => failure(client.set('mine', 1))));
    expect(pauses.length).toBeGreaterThan(9);
  }, 30_000);
  // Not as often as it can.
  expect(new Set(pauses)).toEqual(new Set([1000]));
  const reason = 'does not let us use the database whose number its URL names';
  expect(await check()).toEqual({ status: 'degraded', reason });
  expect(await clients.check(all, 1)).toEqual({ status: 'degraded', reason });
  for (const { url } of [server, set.servers[0]!]) expect(await redisCall(url, 'DBSIZE')).toBe(0);
  expect(printed()).toContain(reason);
  expect(printed()).not.toContain('redis_connected');
  const last = await clients.open(`${server.url}/1`);
  expect(await last.set('mine', 1)).toBe('OK');
});

test('killed: a command fails at once, is not done later, and it goes on by itself', async () => {
  await using server = await startRedis();
  const { main, clients, printed } = await openConnected(server.url);
  const plain = await clients.open(server.url);
  await server.kill();
  for (const client of [main, plain]) {
    // Until the connection is known to be closed.
    await failure(client.incr('n'));
    await eventually(async () => expect(client.status).not.toBe('ready'));
    await Promise.all(Array.from({ length: 20 }, () => failureAtOnce(client.incr('n'))));
  }
  await sleep(3000);
  await failureAtOnce(main.incr('n'));
  await server.start();
  await eventually(async () => expect(await Promise.all([main.ping(), plain.ping()])).toEqual(['PONG', 'PONG']));
  expect(await main.get('n')).toBeNull();
  expect(printed().match(/redis_unreachable/g)).toHaveLength(2);
  await eventually(async () => expect(printed().match(/redis_connected/g)).toHaveLength(2));
});

test('frozen: a command fails after its time limit, then at once, and none of the later ones is done', async () => {
  await using server = await startRedis();
  const { main } = await openConnected(server.url);
  server.freeze();
  await failure(main.incr('first'));
  await eventually(async () => expect(main.status).not.toBe('ready'));
  await Promise.all(Array.from({ length: 20 }, () => failureAtOnce(main.incr('later'))));
  server.resume();
  await eventually(async () => expect(await main.ping()).toBe('PONG'));
  expect(await main.get('later')).toBeNull();
});

test('what was on its way when the server died is not sent again', async () => {
  await using server = await startRedis();
  const { main, clients } = await openConnected(server.url);
  const plain = await clients.open(server.url);
  server.freeze();
  const lost = [failure(main.incr('n')), failure(plain.incr('n'))];
  await sleep(50);
  await server.kill();
  await server.start();
  await Promise.all(lost);
  await eventually(async () => expect(await Promise.all([main.ping(), plain.ping()])).toEqual(['PONG', 'PONG']));
  expect(await main.get('n')).toBeNull();
});

test('readiness: degraded while it does not answer, never unhealthy, and healthy again', async () => {
  await using server = await startRedis();
  const { main, check } = await openConnected(server.url);
  await eventually(async () =>
    expect(await check()).toMatchObject({ status: 'healthy', latencyMs: expect.any(Number) }),
  );
  server.freeze();
  const order: string[] = [];
  const patience = main.ping().catch(() => order.push('the client'));
  expect(await check()).toEqual({ status: 'degraded', reason: 'does not answer' });
  order.push('the check');
  await patience;
  expect(order).toEqual(['the check', 'the client']);
  server.resume();
  await eventually(async () => expect(await check()).toMatchObject({ status: 'healthy' }));
  await server.kill();
  await eventually(async () => expect(await check()).toMatchObject({ status: 'degraded' }));
  await server.start();
  await eventually(async () => expect(await check()).toMatchObject({ status: 'healthy' }));
});

test('a Redis that is not up yet does not keep the process from starting', async () => {
  await using server = await startRedis();
  await server.kill();
  const { main } = await open(server.url);
  await server.start();
  await eventually(async () => expect(await main.ping()).toBe('PONG'));
});

test('closed while there is no connection, it does not come back', async () => {
  await using server = await startRedis();
  const { main, clients } = await openConnected(server.url);
  await server.kill();
  await eventually(async () => expect(main.status).not.toBe('ready'));
  await clients.onApplicationShutdown();
  await server.start();
  await sleep(2500);
  expect(main.status).not.toBe('ready');
  await failure(main.ping());
});

test('the password works and is never printed, not even when it is wrong', async () => {
  await using server = await startRedis({ password: 'pass/w@rd' });
  const right = await openConnected(server.url);
  expect(await right.main.ping()).toBe('PONG');
  const wrong = await open(server.url.replace('pass', 'wrong'));
  await expect(wrong.main.ping()).rejects.toThrow();
  await eventually(async () => expect(wrong.printed()).toContain('redis_unreachable'));
  expect(wrong.printed()).not.toMatch(/wrong(%|\/)/);
  expect(await wrong.check()).toMatchObject({ status: 'degraded' });
  await server.kill();
  await eventually(async () => expect(right.printed()).toContain('redis_unreachable'));
  expect(right.printed()).not.toMatch(/w@rd|w%40rd/);
});

test('sentinels: writes go to the master, and to the next one when it is gone', async () => {
  await using set = await startSentinel();
  const [master, replica] = set.servers;
  const { main } = await openConnected(set.url);
  await main.set('who', 'first');
  expect(await redisCall(master!.url, 'GET', 'who')).toBe('first');
  await eventually(async () => expect(await redisCall(replica!.url, 'GET', 'who')).toBe('first'));
  await master!.kill();
  await failure(main.incr('n'));
  await eventually(async () => expect(await main.set('who', 'second')).toBe('OK'), 30_000);
  expect(await redisCall(replica!.url, 'GET', 'who')).toBe('second');
});

test('a cluster: every key finds its node; a node that is gone takes only its keys with it', async () => {
  await using set = await startRedisCluster();
  const { main } = await openConnected(set.url);
  const keys = Array.from({ length: 60 }, (_, i) => `key-${i}`);
  await Promise.all(keys.map((key) => main.incr(key)));
  expect(new Set(await Promise.all(keys.map((key) => main.get(key))))).toEqual(new Set(['1']));
  const sizes = await Promise.all(set.servers.map(({ url }) => redisCall(url, 'DBSIZE')));
  expect(sizes.every((size) => Number(size) > 0)).toBe(true);
  expect(sizes.reduce<number>((sum, size) => sum + Number(size), 0)).toBe(60);

  await set.servers[0]!.kill();
  const after = await Promise.allSettled(keys.map((key) => main.incr(key)));
  expect(after.filter(({ status }) => status === 'fulfilled').length).toBe(60 - Number(sizes[0]));
  await set.servers[0]!.start();
  await eventually(async () => void (await Promise.all(keys.map((key) => main.get(key)))), 20_000);
});
