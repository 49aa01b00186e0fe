import { once } from 'node:events';
import { Redis } from 'ioredis';
import { SystemClock } from '../../../src/shared/clock/system.clock';
import { limitHeaders } from '../../../src/shared/contract/answer-headers';
import type { Limit } from '../../../src/shared/errors/app-error';
import { MemoryRateLimiter } from '../../../src/shared/rate-limit/memory.rate-limiter';
import { RateLimiter } from '../../../src/shared/rate-limit/rate-limiter';
import { RedisRateLimiter } from '../../../src/shared/rate-limit/redis.rate-limiter';
import { eventually } from '../../support/eventually';
import { HandClock } from '../../support/hand-clock';
import { type RedisServer, startRedis } from '../../support/redis';

// One promise: so many in so long for each key, by whichever means it is counted.

// So long that no window ends while a test counts in it, however slow the machine is.
const limit: Limit = { name: 'test', max: 3, windowSeconds: 3600 };
let server: RedisServer;
const clients: Redis[] = [];

/** As RedisClients makes them. */
async function client(commandTimeout = 500): Promise<Redis> {
  const made = new Redis(server.url, { maxRetriesPerRequest: 0, commandTimeout, enableOfflineQueue: false });
  made.on('error', () => undefined);
  clients.push(made);
  await once(made, 'ready');
  return made;
}

const insured = (): MemoryRateLimiter => new MemoryRateLimiter(new SystemClock());

/** It waits for Redis, however slow the machine is. */
const patient = async (): Promise<RateLimiter> => RedisRateLimiter.open(await client(60_000), insured(), 60_000);

beforeAll(async () => {
  server = await startRedis();
});
afterAll(async () => {
  for (const each of clients) each.disconnect();
  await server[Symbol.asyncDispose]();
});

test('who comes back when told to is let in, whatever the fractions of the clock', async () => {
  const clock = new HandClock();
  const limiter = new MemoryRateLimiter(clock);
  const brief = { ...limit, max: 1, windowSeconds: 1 };
  for (let start = 0.1; start < 2 ** 40; start = start * 1.7 + 0.3) {
    clock.at = start;
    await limiter.take(brief, `from ${start}`);
    clock.at += 0.7;
    const { exceeded, resetMs } = await limiter.take(brief, `from ${start}`);
    expect(exceeded).toBe(true);
    clock.at += resetMs;
    expect((await limiter.take(brief, `from ${start}`)).exceeded).toBe(false);
  }
});

describe.each([
  ['memory', async () => insured()],
  ['Redis', patient],
])('%s', (_name, make) => {
  let limiter: RateLimiter;
  beforeAll(async () => {
    limiter = await make();
  });

  test('so many pass, the next do not, and the window ends by itself', async () => {
    const taken = [];
    for (let i = 0; i < 5; i += 1) taken.push(await limiter.take(limit, 'a'));
    expect(taken.map(({ exceeded }) => exceeded)).toEqual([false, false, false, true, true]);
    expect(taken.map(({ remaining }) => remaining)).toEqual([2, 1, 0, 0, 0]);
    for (const { resetMs } of taken) expect([resetMs > 0, resetMs <= 3_600_000]).toEqual([true, true]);
    const brief = { ...limit, name: 'brief', windowSeconds: 1 };
    for (let i = 0; i < 5; i += 1) expect((await limiter.take(brief, 'a')).resetMs).toBeLessThanOrEqual(1000);
    await eventually(async () => expect((await limiter.take(brief, 'a')).remaining).toBe(2));
  });

  test('keys and limits count for themselves', async () => {
    for (let i = 0; i < 4; i += 1) await limiter.take(limit, 'b');
    expect((await limiter.take(limit, 'c')).exceeded).toBe(false);
    expect((await limiter.take({ ...limit, name: 'other' }, 'b')).exceeded).toBe(false);
  });

  test('of a hundred at once just so many pass', async () => {
    const taken = await Promise.all(Array.from({ length: 100 }, () => limiter.take(limit, 'd')));
    expect(taken.filter(({ exceeded }) => !exceeded)).toHaveLength(3);
  });
});

test('Redis counts for all processes together, and under no name that it could tell', async () => {
  const limiters = [await patient(), await patient()];
  const taken = [];
  for (let i = 0; i < 4; i += 1) taken.push(await (limiters[i % 2] as RateLimiter).take(limit, 'shared'));
  expect(taken.map(({ exceeded }) => exceeded)).toEqual([false, false, false, true]);
});

test('while Redis is gone each process counts for itself; then together again', async () => {
  const limiter = await RedisRateLimiter.open(await client(), insured());
  await server.kill();
  const taken = [];
  for (let i = 0; i < 4; i += 1) taken.push(await limiter.take({ ...limit, windowSeconds: 60 }, 'gone'));
  expect(taken.map(({ exceeded }) => exceeded)).toEqual([false, false, false, true]);
  await server.restart();
  await eventually(async () => expect((await limiter.take({ ...limit, windowSeconds: 60 }, 'gone')).remaining).toBe(2));
});

test('of a frozen Redis one is waited for, and not for long; then it counts again', async () => {
  const commandMs = 4000;
  const frozen = await client(commandMs);
  const limiter = await RedisRateLimiter.open(frozen, insured());
  const minute = { ...limit, windowSeconds: 60 };
  await limiter.take(minute, 'frozen');
  server.freeze();
  const order: string[] = [];
  const patience = frozen.ping().catch(() => order.push('the client of Redis'));
  // Each for 150 ms would take longer than the client's own patience.
  const taken = [];
  for (let i = 0; i < 100; i += 1) taken.push(await limiter.take(minute, 'frozen'));
  order.push('the limiter');
  expect(taken.map(({ exceeded }) => exceeded).slice(0, 5)).toEqual([false, false, false, true, true]);
  await patience;
  expect(order).toEqual(['the limiter', 'the client of Redis']);
  server.resume();
  await eventually(async () => {
    await limiter.take(minute, 'thawed');
    expect(await frozen.exists('aerie:rate:test:thawed')).toBe(1);
  });
});

test('in memory a million made-up keys cost no more than the bound, and do not free who is tried hard', async () => {
  const clock = new HandClock();
  const limiter = new MemoryRateLimiter(clock);
  const hard = { ...limit, windowSeconds: 60 };
  for (let i = 0; i < 4; i += 1) await limiter.take(hard, 'victim');
  for (let i = 0; i < 1_000_000; i += 1) {
    await limiter.take(hard, `made-up-${i}`);
    if (i % 50_000 === 0) expect((await limiter.take(hard, 'victim')).exceeded).toBe(true);
  }
  const { windows } = limiter as unknown as { windows: Map<string, unknown> };
  expect(windows.size).toBeLessThanOrEqual(100_000);
});

test('the headers are those of the draft', () => {
  const taken = { limit: { ...limit, windowSeconds: 1 }, exceeded: false, remaining: 2, resetMs: 900 };
  expect(limitHeaders([taken, { ...taken, limit: { ...taken.limit, name: 'other', max: 9 } }])).toEqual({
    'ratelimit-policy': '"test";q=3;w=1, "other";q=9;w=1',
    ratelimit: '"test";r=2;t=1, "other";r=2;t=1',
  });
});
