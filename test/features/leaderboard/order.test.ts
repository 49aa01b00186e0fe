import { randomInt } from 'node:crypto';
import { leaderboardContract as leaderboard } from '../../../src/features/leaderboard/leaderboard.api';
import { leaderboardTables } from '../../../src/features/leaderboard/leaderboard.entity';
import { LeaderboardRepository } from '../../../src/features/leaderboard/leaderboard.repository';
import type { PlayerRank, SnapshotPage } from '../../../src/generated/aerie/leaderboard/v1/leaderboard';
import { Databases } from '../../../src/shared/db/databases';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { type RedisServer, startRedis } from '../../support/redis';
import { TimeTravel } from '../../support/time-travel';
import { openApp, type TestApp, type Wire } from '../../support/wires';
import { counted, expected, type Points, page, play, wholeBoard } from './play';

// The promise: list, ranks, neighbours, snapshots and what verify compares are one plain sort, on every database, from
// memory, from Redis and from SQL, before and after a restart.

const noon = '2026-11-18T12:00:00.000Z';
const window = 'weekly';

/** Few players, points and times, so that most are ties in score, and many in score and time. */
function randomPoints(count: number, players: number): Points[] {
  return Array.from({ length: count }, () => ({
    playerId: `${'Aa_-9'[randomInt(5)]}player-${randomInt(players)}`,
    points: randomInt(1, 4),
    occurredAt: `2026-11-18T10:00:0${randomInt(4)}.000Z`,
  }));
}

const [sqlite, postgres] = everyDatabase as [(typeof everyDatabase)[number], (typeof everyDatabase)[number]];
const places = [
  ...everyDatabase.map((one) => ({ ...one, index: 'memory' })),
  { ...sqlite, index: 'redis' },
  { ...postgres, index: 'redis' },
];

describe.each(places)('$name, $index', ({ create, index }) => {
  let redis: RedisServer;
  let environment: Record<string, string>;
  let database: TestDatabase;
  let app: TestApp;
  let travel: TimeTravel;
  const made: Points[] = [];

  beforeAll(async () => {
    travel = new TimeTravel(noon);
    database = await create();
    redis = await startRedis();
    environment = index === 'redis' ? { LEADERBOARD_INDEX: index, REDIS_URL: redis.url } : {};
    app = await openApp(database.url, environment, { fairness: 'off' });
    made.push(...randomPoints(900, 60));
    await play(app, made);
    await counted(app);
  });
  afterAll(async () => {
    await app[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
    await redis[Symbol.asyncDispose]();
    travel[Symbol.dispose]();
  });

  async function inIndex(): Promise<void> {
    // It waits until the board has been read. Only once: it repairs what it finds.
    const { body } = await app.http.call(leaderboard, 'verifyLeaderboard', { window });
    expect(body).toEqual({ checked: expected(made).length, differing: 0, repaired: 0 });
  }

  async function expectOrder(): Promise<void> {
    const sorted = expected(made);
    for (const wire of [app.http, app.grpc] as Wire[]) {
      for (const limit of [1, 7, 100]) {
        const board = await wholeBoard(wire, { window }, limit);
        expect(board).toMatchObject({ window, key: '2026-W47', state: 'open', total: sorted.length });
        expect(board.entries).toEqual(sorted);
      }
    }
    for (const one of sorted) {
      const { body } = await app.http.call(leaderboard, 'getPlayerRank', { window, playerId: one.playerId, around: 2 });
      const { rank, total, percentile, neighbours } = body as unknown as PlayerRank;
      expect({ rank, total }).toEqual({ rank: one.rank, total: sorted.length });
      expect(percentile).toBe(Math.round((1e4 * (sorted.length - one.rank)) / sorted.length) / 100);
      expect(neighbours).toEqual(sorted.slice(Math.max(0, one.rank - 3), one.rank + 2));
    }
  }

  test('list, pages and ranks from the index', async () => {
    await inIndex();
    await expectOrder();
  });

  test('the database answers the same while nothing is in the index', async () => {
    const limits = { poolMin: 1, poolMax: 2, connectTimeoutMs: 5000, queryTimeoutMs: 5000 };
    const databases = new Databases(limits);
    databases.register('leaderboard', database.url, leaderboardTables, []);
    await databases.connectAll();
    try {
      const repository = new LeaderboardRepository(databases);
      const [weekly] = (await repository.openWindows()).filter(({ kind }) => kind === window);
      const id = weekly?.id ?? 0;
      const sorted = expected(made).map(({ rank: _rank, achievedAt, ...one }) => ({
        ...one,
        achievedAt: Date.parse(achievedAt),
      }));
      for (const [place, one] of sorted.entries()) {
        const after = await repository.page(id, one, 3);
        expect(after).toEqual({
          total: sorted.length,
          passed: place + 1,
          scores: sorted.slice(place + 1, place + 4),
        });
        const from = Math.max(0, place - 2);
        const around = await repository.around(id, one.playerId, 2);
        expect(around).toEqual({ total: sorted.length, passed: from, scores: sorted.slice(from, place + 3) });
      }
      expect(await repository.page(id, undefined, 5)).toMatchObject({ passed: 0, scores: sorted.slice(0, 5) });
      expect(await repository.page(0, undefined, 5)).toEqual({ total: 0, passed: 0, scores: [] });
      expect(await repository.around(id, 'nobody', 2)).toBeUndefined();
    } finally {
      await databases.closeAll();
    }
  });

  test('page by page while scores change: who does not change is there once', async () => {
    const still = new Set(expected(made).map(({ playerId }) => playerId));
    const movers = [...still].filter((_player, i) => i % 3 === 0);
    for (const mover of movers) still.delete(mover);
    let going = true;
    const moving = (async () => {
      while (going) {
        const next = movers.map((playerId) => ({ playerId, points: randomInt(1, 3), occurredAt: noon }));
        made.push(...next);
        await play(app, next);
      }
    })();
    for (let round = 0; round < 5; round++) {
      const seen: string[] = [];
      let pageToken = '';
      do {
        const part = await page(app.http, { window, limit: 5, ...(pageToken === '' ? {} : { pageToken }) });
        seen.push(...part.entries.map(({ playerId }) => playerId).filter((playerId) => still.has(playerId)));
        pageToken = part.nextPageToken;
      } while (pageToken !== '');
      expect(seen.sort()).toEqual([...still].sort());
    }
    going = false;
    await moving;
    await counted(app);
    await expectOrder();
  });

  test('a snapshot is the top of the same order', async () => {
    travel.to('2026-11-18T12:20:00.000Z');
    const sorted = expected(made);
    const { snapshot, entries } = await eventually2(async () => {
      const { body } = await app.http.call(leaderboard, 'listSnapshots', { window, kind: 'periodic' });
      const [latest] = body.snapshots as { id: string; takenAt: string }[];
      expect(latest?.takenAt.startsWith('2026-11-18T12:2')).toBe(true);
      const found = await app.grpc.call(leaderboard, 'getSnapshot', { id: latest?.id, limit: 100 });
      return found.body as unknown as SnapshotPage;
    });
    expect(snapshot).toMatchObject({ window, key: '2026-W47', kind: 'periodic', total: sorted.length });
    expect(entries).toEqual(sorted.slice(0, 100));
  });

  test('after a restart', async () => {
    await app[Symbol.asyncDispose]();
    app = await openApp(database.url, environment, { fairness: 'off' });
    // From SQL or from memory, whichever it is by now.
    await expectOrder();
    await inIndex();
    await expectOrder();
  });
});

async function eventually2<T>(find: () => Promise<T>): Promise<T> {
  let found: T | undefined;
  await eventually(async () => {
    found = await find();
  });
  return found as T;
}

test('a board of several parts is read whole, also what is applied meanwhile', async () => {
  using travel = new TimeTravel(noon);
  await using database = await (everyDatabase[0] as (typeof everyDatabase)[number]).create();
  const many = Array.from({ length: 23_456 }, (_, i) => ({
    playerId: `player-${i}`,
    points: 1 + (i % 500),
    occurredAt: '2026-11-18T10:00:00.000Z',
  }));
  {
    await using app = await openApp(database.url, {}, { fairness: 'off' });
    await play(app, many);
    await counted(app);
  }
  await using app = await openApp(database.url, {}, { fairness: 'off' });
  const more = randomPoints(200, 2000).map((one, i) => ({ ...one, playerId: `player-${i * 100}` }));
  await play(app, more);
  await counted(app);
  const { body } = await app.http.call(leaderboard, 'verifyLeaderboard', { window });
  expect(body).toEqual({ checked: many.length, differing: 0, repaired: 0 });
  expect((await wholeBoard(app.http, { window })).entries).toEqual(expected([...many, ...more]));
  expect(travel).toBeDefined();
}, 120_000);
