import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { type FairnessCounters, MemoryFairnessCounters } from '../../../src/features/fairness/fairness.counters';
import { RedisFairnessCounters } from '../../../src/features/fairness/fairness.redis-counters';
import { initialRules, type Rules } from '../../../src/features/fairness/fairness.rules';
import { Metrics } from '../../../src/shared/metrics/metrics';
import { connections } from '../../../src/shared/redis/redis.client';
import { RedisClients } from '../../../src/shared/redis/redis.clients';
import { RedisPatience } from '../../../src/shared/redis/redis.patience';
import { eventually } from '../../support/eventually';
import { HandClock } from '../../support/hand-clock';
import { recordingLogger } from '../../support/recording-logger';
import { redisCall, startRedis, startRedisCluster, waitPatiently } from '../../support/redis';

// SPEC 3: counters in memory or in Redis, for all processes together. One suite for both; Redis has its own clock.

const { flood } = initialRules;

interface Opened extends AsyncDisposable {
  /** Two processes' counters. */
  readonly both: readonly [FairnessCounters, FairnessCounters];
  pass(ms: number): Promise<unknown>;
  /** Milliseconds on the clock by which they count. */
  now(): Promise<number>;
}

async function memory(): Promise<Opened> {
  const clock = new HandClock();
  const one = new MemoryFairnessCounters(clock);
  const pass = async (ms: number): Promise<void> => {
    clock.at += ms;
  };
  const now = async (): Promise<number> => clock.at;
  return { both: [one, one], pass, now, [Symbol.asyncDispose]: async () => undefined };
}

async function redisAt(url: string, server: AsyncDisposable): Promise<Opened> {
  const clients = new RedisClients(recordingLogger().logger);
  const counters = async (): Promise<FairnessCounters> => {
    const client = await clients.open(url);
    // Opening waits for a second at most.
    await eventually(() => Promise.all(connections(client).map((each) => each.ping())));
    const insurance = new MemoryFairnessCounters(new HandClock());
    return new RedisFairnessCounters(waitPatiently(client), insurance, recordingLogger().logger, new Metrics());
  };
  // All of them are on this machine, and have its clock.
  const now = async (): Promise<number> => Date.now();
  const close = async (): Promise<void> => {
    await clients.onApplicationShutdown();
    await server[Symbol.asyncDispose]();
  };
  return { both: [await counters(), await counters()], pass: sleep, now, [Symbol.asyncDispose]: close };
}

const kinds: [string, () => Promise<Opened>][] = [
  ['memory', memory],
  [
    'redis',
    async () => {
      const server = await startRedis();
      return redisAt(server.url, server);
    },
  ],
  [
    'a Redis cluster',
    async () => {
      const set = await startRedisCluster();
      return redisAt(set.url, set);
    },
  ],
];

describe.each(kinds)('%s', (_name, open) => {
  let opened: Opened;
  let next = 0;
  let playerId: string;
  const events = (count: number, player = playerId) =>
    Array.from({ length: count }, () => ({ eventId: `e-${next++}`, type: 'progression', playerId: player, points: 1 }));
  const refused = async (counters: FairnessCounters, sent: ReturnType<typeof events>, rule: Rules['flood'] = flood) =>
    (await counters.count(sent, rule)).filter(({ wait }) => wait > 0).length;
  beforeAll(async () => {
    opened = await open();
  });
  afterAll(() => opened[Symbol.asyncDispose]());
  beforeEach(() => {
    playerId = `player-${next}`;
    // However slow the machine is, nobody counts alone for that.
    jest.spyOn(RedisPatience.prototype, 'wait').mockImplementation((work) => work);
  });
  afterEach(() => jest.restoreAllMocks());

  /** What happens within one second; of another player once more where the machine has taken longer for it. */
  async function inOneSecond(story: () => Promise<void>): Promise<void> {
    for (;;) {
      const began = await opened.now();
      try {
        await story();
        if ((await opened.now()) - began < 1000) return;
      } catch (error) {
        if ((await opened.now()) - began < 1000) throw error;
      }
      playerId = `player-${next++}-again`;
    }
  }

  test('the eleventh within a second is refused, whichever process it meets, and nobody else’s', async () => {
    const [one, two] = opened.both;
    await inOneSecond(async () => {
      expect(await refused(one, events(6))).toBe(0);
      expect(await refused(two, events(4))).toBe(0);
      const [told] = await two.count(events(1), flood);
      expect(told).toMatchObject({ strikes: 1 });
      expect(told?.wait).toBeGreaterThan(0);
      expect(told?.wait).toBeLessThanOrEqual(1000);
      expect(await refused(one, [...events(1), ...events(10, `${playerId}-other`)])).toBe(1);
    });
    await opened.pass(1050);
    expect(await refused(one, events(10))).toBe(0);
  });

  test('an event that is counted is allowed again and counted once; a refused one does not count', async () => {
    const [one, two] = opened.both;
    await inOneSecond(async () => {
      const sent = events(10);
      expect(await refused(one, [...sent, ...sent])).toBe(0);
      expect(await refused(two, sent)).toBe(0);
      expect(await refused(two, events(50))).toBe(50);
    });
    await opened.pass(1050);
    expect(await refused(two, events(11))).toBe(1);
  });

  test('a strike is a refusal a second after the last; three within the window are told, and then none; forgiven, too', async () => {
    const [one, two] = opened.both;
    const rule = { ...flood, thresholds: { ...flood.thresholds, strikeWindowSeconds: 20 } };
    const strike = async (counters: FairnessCounters) =>
      (await counters.count(events(12), rule)).map(({ strikes }) => strikes).filter((strikes) => strikes > 0);
    await inOneSecond(async () => {
      expect(await strike(one)).toEqual([1]);
      expect(await strike(two)).toEqual([]);
    });
    expect(await one.strikesOf(playerId, rule)).toBe(1);
    await opened.pass(1050);
    expect(await strike(two)).toEqual([2]);
    expect(await one.strikesOf(playerId, rule)).toBe(2);
    await one.forgive(playerId);
    expect(await two.strikesOf(playerId, rule)).toBe(0);
    for (const told of [1, 2, 3]) {
      await opened.pass(1050);
      expect(await strike(one)).toEqual([told]);
    }
    expect(await two.strikesOf(playerId, rule)).toBe(0);
  });

  test('strikes older than the window do not count, and in shadow mode they are apart', async () => {
    const [one] = opened.both;
    const rule = { ...flood, thresholds: { ...flood.thresholds, strikeWindowSeconds: 2 } };
    await one.count(events(11), rule);
    await opened.pass(2050);
    expect(await one.strikesOf(playerId, rule)).toBe(0);
    const [, , , , , , , , , , told] = await one.count(events(11), rule);
    expect(told?.strikes).toBe(1);
    await opened.pass(1050);
    const shadow = await one.count(events(11), { ...rule, mode: 'shadow' });
    expect(shadow.at(-1)?.strikes).toBe(1);
  });

  test('a player with too many strikes is not counted on, unless in shadow mode', async () => {
    const rule = { ...flood, thresholds: { ...flood.thresholds, maxStrikes: 1 } };
    const [one] = opened.both;
    const counted = await one.count(events(20), rule);
    expect(counted.filter(({ wait }) => wait > 0)).toHaveLength(1);
    const player = `${playerId}-shadow`;
    expect(await refused(one, events(20, player), { ...rule, mode: 'shadow' })).toBe(10);
  });

  test('deviations are those of the plain computation, whichever process has seen the samples', async () => {
    const points = fc.array(fc.integer({ min: 1, max: 1_000_000 }), { minLength: 12, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(points, async (all) => {
        const player = `${playerId}-${next++}`;
        const found: number[] = [];
        for (let from = 0; from < all.length; from += 7)
          found.push(
            ...(await (opened.both[(from / 7) % 2] as FairnessCounters).deviations(
              all.slice(from, from + 7).map((one) => ({ playerId: player, points: one })),
              10,
            )),
          );
        for (const [i, value] of all.entries()) {
          const before = all.slice(0, i);
          const mean = before.reduce((sum, one) => sum + one, 0) / Math.max(1, i);
          const variance = before.reduce((sum, one) => sum + (one - mean) ** 2, 0) / Math.max(1, i - 1);
          const plain = i < 10 ? 0 : Math.abs(value - mean) / Math.max(Math.sqrt(variance), 1);
          expect(Math.abs((found[i] ?? -1) - plain)).toBeLessThan(1e-6 + plain * 1e-9);
        }
      }),
      { numRuns: 30 },
    );
  });
});

test('who comes back when told to is let in, whatever the fractions of the clock', () => {
  const clock = new HandClock();
  // Each of these is short of a power of two, where a sum loses bits: 130072.1 + 1000 - 130072.1 is less than 1000.
  for (let power = 11; power < 40; power += 1)
    for (const short of [0.1, 0.3, 0.7, 1.3, 333.3, 999.9]) {
      clock.at = 2 ** power - short;
      const counters = new MemoryFairnessCounters(clock);
      const take = (eventId: string): number | undefined =>
        counters.count([{ playerId: 'p', eventId, type: 'xp', points: 1 }], flood)[0]?.wait;
      for (let i = 0; i < flood.thresholds.maxEvents; i += 1) expect(take(`e${i}`)).toBe(0);
      clock.at += take('late') ?? 0;
      expect(take('late')).toBe(0);
    }
});

test('Redis is gone, or silent: this process counts alone, without a limit for nobody, and with all when it is back', async () => {
  await using server = await startRedis();
  const clients = new RedisClients(recordingLogger().logger);
  const { logger, told } = recordingLogger();
  const metrics = new Metrics();
  const insurance = new MemoryFairnessCounters(new HandClock());
  const counters = new RedisFairnessCounters(await clients.open(server.url), insurance, logger, metrics);
  const send = async (count: number, player: string): Promise<number> => {
    const events = Array.from({ length: count }, (_, i) => ({
      eventId: `${player}-${i}-${Math.random()}`,
      type: 'progression',
      playerId: player,
      points: 1,
    }));
    return (await counters.count(events, flood)).filter(({ wait }) => wait > 0).length;
  };
  expect(await send(12, 'a')).toBe(2);
  server.freeze();
  // However slow the machine is, the second of silence does not pass.
  const clock = jest.spyOn(performance, 'now').mockReturnValue(performance.now());
  expect(await send(12, 'b')).toBe(2);
  const waited = jest.spyOn(RedisPatience.prototype, 'wait');
  for (let i = 0; i < 5; i += 1) expect(await send(12, `c-${i}`)).toBe(2);
  // Nobody waits for it again within the next second.
  expect(waited.mock.calls.length).toBeLessThanOrEqual(1);
  clock.mockRestore();
  waited.mockRestore();
  server.resume();
  await server.kill();
  expect(await send(12, 'd')).toBe(2);
  expect(await counters.deviations([{ playerId: 'd', points: 5 }], 10)).toEqual([0]);
  await counters.forgive('d');
  expect(told).toEqual(['fairness_counts_alone']);
  await server.restart();
  await sleep(1500);
  expect(await send(12, 'e')).toBe(2);
  expect(await redisCall(server.url, 'ZCARD', 'aerie:{fairness-0}:sent:e')).toBe(10);
  // FLUSHALL takes the script, too.
  await redisCall(server.url, 'SCRIPT', 'FLUSH');
  await redisCall(server.url, 'FLUSHALL');
  expect(await send(12, 'e')).toBe(2);
  await clients.onApplicationShutdown();
});
