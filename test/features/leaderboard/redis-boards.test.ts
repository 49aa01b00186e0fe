import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { leaderboardContract as leaderboard } from '../../../src/features/leaderboard/leaderboard.api';
import type { PlayerRank } from '../../../src/generated/aerie/leaderboard/v1/leaderboard';
import { RedisPatience } from '../../../src/shared/redis/redis.patience';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { metricSum } from '../../support/metrics';
import { type RedisServer, redisCall, startRedis } from '../../support/redis';
import { type SilentProxy, startSilentProxy } from '../../support/silent-proxy';
import { openApp, type TestApp } from '../../support/wires';
import { counted, expected, type Points, play, wholeBoard } from './play';

// ISSUE 11, must hold 3: random writes with many ties by two processes, one of which loses answers of Redis; the order in
// Redis is that of SQL, rank by rank, after Redis was emptied, restarted, emptied in part and cut in the middle of a write.

const window = 'weekly';
const postgres = everyDatabase.find(({ name }) => name === 'postgres') as (typeof everyDatabase)[number];

let redis: RedisServer;
let proxy: SilentProxy;
let database: TestDatabase;
let apps: TestApp[];
const made: Points[] = [];

beforeAll(async () => {
  redis = await startRedis();
  proxy = await startSilentProxy(redis.port);
  database = await postgres.create();
  const open = (port: number) =>
    openApp(
      database.url,
      { LEADERBOARD_INDEX: 'redis', REDIS_URL: `redis://127.0.0.1:${port}`, BUS_KIND: 'redis' },
      { fairness: 'off' },
    );
  apps = [await open(redis.port), await open(proxy.port)];
});
afterAll(async () => {
  for (const app of apps) await app[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
  await proxy[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
});

/** Few players, points and times, so that most are ties in score, and many in score and time. */
async function write(count = 200): Promise<void> {
  const now = Date.now();
  const points = Array.from({ length: count }, () => ({
    playerId: `${'Aa_-9'[randomInt(5)]}player-${randomInt(40)}`,
    points: randomInt(1, 4),
    occurredAt: new Date(now - 1000 * randomInt(4)).toISOString(),
  }));
  made.push(...points);
  for (let from = 0; from < count; from += 50)
    await play(apps[from % 100 === 0 ? 0 : 1] as TestApp, points.slice(from, from + 50));
}

const keys = async (): Promise<string[]> => (await redisCall(redis.url, 'KEYS', 'aerie:{leaderboard-*')) as string[];

/** What is in Redis, in its order, of the board that has all players. */
async function inRedis(): Promise<string[]> {
  const boards = (await keys()).filter((key) => key.endsWith(':order'));
  const orders = await Promise.all(boards.map((key) => redisCall(redis.url, 'ZRANGE', key, 0, -1)));
  const members = (orders as string[][]).find(({ length }) => length === expected(made).length) ?? [];
  return members.map((member) => member.slice(15));
}

async function expectOrder(): Promise<void> {
  for (const app of apps) await counted(app);
  const sorted = expected(made);
  for (const app of apps) {
    expect((await wholeBoard(app.http, { window }, 7)).entries).toEqual(sorted);
    for (const one of [sorted[0], sorted[5], sorted.at(-1)]) {
      const asked = { window, playerId: one?.playerId, around: 2 };
      const { body } = await app.http.call(leaderboard, 'getPlayerRank', asked);
      const { rank, total, neighbours } = body as unknown as PlayerRank;
      expect({ rank, total }).toEqual({ rank: one?.rank, total: sorted.length });
      expect(neighbours).toEqual(sorted.slice(Math.max(0, rank - 3), rank + 2));
    }
  }
}

/** Readers are right at once; Redis has the board again a little later. */
async function healed(): Promise<void> {
  await expectOrder();
  await eventually(async () => {
    for (const app of apps) await wholeBoard(app.http, { window }, 50);
    expect(await inRedis()).toEqual(expected(made).map(({ playerId }) => playerId));
  });
  await expectOrder();
}

/** However slow the machine is, Redis is asked, and its answer waited for. */
function patientWithRedis(): void {
  jest.spyOn(RedisPatience.prototype, 'wait').mockImplementation((work) => work);
}
afterEach(() => jest.restoreAllMocks());

test('written by two processes', async () => {
  patientWithRedis();
  for (let round = 0; round < 3; round += 1) {
    await write();
    await expectOrder();
  }
  await healed();
  const answered = await metricSum(apps[0]?.url ?? '', 'leaderboard_redis_requests_total{status="ok"}');
  expect(answered).toBeGreaterThan(50);
});

test('emptied, and emptied in part', async () => {
  await redisCall(redis.url, 'FLUSHALL');
  await write();
  await healed();
  for (const kind of [':order', ':players', ':meta']) {
    for (const key of (await keys()).filter((one) => one.endsWith(kind))) await redisCall(redis.url, 'DEL', key);
    await write(50);
    await healed();
  }
});

test('restarted while scores change, and away for a while', async () => {
  const writing = write(400);
  await redis.kill();
  await sleep(100);
  await writing;
  await expectOrder();
  await redis.start();
  await write();
  await healed();
});

test('restarted from an old copy on its disk', async () => {
  await healed();
  await redisCall(redis.url, 'SAVE');
  await write(100);
  await expectOrder();
  // Nobody asks it meanwhile.
  await redis.restart();
  await write(100);
  await healed();
});

test('silent for a while: what it still knows is not believed when it is back', async () => {
  await healed();
  redis.freeze();
  await write();
  await expectOrder();
  redis.resume();
  await expectOrder();
  await healed();
});

test('cut in the middle of a write: done or not, nobody has heard', async () => {
  for (let round = 0; round < 12; round += 1) {
    if (round % 3 === 0) proxy.loseNext(/evalsha/);
    else if (round % 3 === 1) proxy.cutNext(/evalsha/);
    else proxy.dropNext(/evalsha/);
    await write(100);
    await expectOrder();
  }
  await healed();
});

test('verify finds what is wrong in Redis and repairs it', async () => {
  await healed();
  patientWithRedis();
  const verify = async () => (await apps[0]?.http.call(leaderboard, 'verifyLeaderboard', { window }))?.body;
  const checked = expected(made).length;
  expect(await verify()).toEqual({ checked, differing: 0, repaired: 0 });
  const sorted = expected(made);
  const orders = (await keys()).filter((key) => key.endsWith(':order'));
  const counts = await Promise.all(orders.map((key) => redisCall(redis.url, 'ZCARD', key)));
  const board = orders.find((_key, i) => counts[i] === checked)?.slice(0, -':order'.length) ?? '';
  const time = (i: number): string => String(Date.parse(sorted[i]?.achievedAt ?? '')).padStart(15, '0');
  for (const each of orders.map((key) => key.slice(0, -':order'.length))) {
    await redisCall(redis.url, 'ZADD', `${each}:order`, -1, `${time(0)}${sorted[0]?.playerId}`);
    await redisCall(redis.url, 'HSET', `${each}:players`, sorted[3]?.playerId ?? '', `${time(3)}999`);
    await redisCall(redis.url, 'ZADD', `${each}:order`, -5, `${time(0)}stranger`);
    await redisCall(redis.url, 'HSET', `${each}:players`, 'stranger', `${time(0)}5`);
    await redisCall(redis.url, 'HINCRBY', `${each}:meta`, 'count', 1);
  }
  expect(board).not.toBe('');
  expect(await verify()).toEqual({ checked, differing: 3, repaired: 3 });
  expect(await verify()).toEqual({ checked, differing: 0, repaired: 0 });
  await expectOrder();
});
