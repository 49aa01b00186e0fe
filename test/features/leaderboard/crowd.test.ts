import { DataSource } from 'typeorm';
import { eventsGatewayContract as gateway } from '../../../src/features/events-gateway/events-gateway.api';
import { leaderboardContract as leaderboard } from '../../../src/features/leaderboard/leaderboard.api';
import { windowOf } from '../../../src/features/leaderboard/leaderboard.calendar';
import { leaderboardTables } from '../../../src/features/leaderboard/leaderboard.entity';
import { leaderboardMigrations } from '../../../src/features/leaderboard/leaderboard.migrations';
import { LeaderboardRepository } from '../../../src/features/leaderboard/leaderboard.repository';
import { SnapshotsRepository } from '../../../src/features/leaderboard/leaderboard.snapshots.repository';
import type { Leaderboard } from '../../../src/generated/aerie/leaderboard/v1/leaderboard';
import { Databases } from '../../../src/shared/db/databases';
import { HeavyReads } from '../../../src/shared/db/heavy-reads';
import { received } from '../../../src/shared/remote/grpc.client';
import { everyDatabase, everyServer, type TestDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { metricSum } from '../../support/metrics';
import { eventBody, signed } from '../../support/signed';
import { type Outcome, openApp, type TestApp } from '../../support/wires';

// Whoever reads old boards, which only the database has, takes nothing from those who write.

const key = '2020-02-29';
const old = { window: 'daily', key };
const players = 30;
const counted = 4321;

/** A board that ended long ago. Its final snapshot tells another total than there are rows: so it shows who counts. */
async function oldBoard({ url }: TestDatabase): Promise<void> {
  const databases = new Databases({ poolMin: 0, poolMax: 2, connectTimeoutMs: 5000, queryTimeoutMs: 5000 });
  databases.register('leaderboard', url, leaderboardTables, leaderboardMigrations);
  await databases.connectAll();
  await databases.migrateAll();
  const startsAt = Date.UTC(2020, 1, 29);
  const repository = new LeaderboardRepository(databases);
  const { id } = await repository.ensureWindow(windowOf('daily', key, startsAt, startsAt + 86_400_000));
  await repository.places.begin({ seq: 0, id: '', ahead: [] }, 0, []);
  await repository.apply([{ seq: 1, afterSeq: 0, id: 'one' }], 'log', async (step) => {
    const revision = (await step.lock([id])).get(id) ?? 0;
    const scores = Array.from({ length: players }, (_, i) => ({
      playerId: `old-${100 + i}`,
      score: 1000 - i,
      achievedAt: startsAt + i,
    }));
    await step.add([{ windowId: id, revision, scores }]);
  });
  const [window] = await repository.openWindows();
  expect(await new SnapshotsRepository(databases).close(window!, startsAt + 90_000_000)).toBe(true);
  // No event of the journal was behind that.
  await databases.of('leaderboard').transaction((tx) => tx.run('DELETE FROM leaderboard_place'));
  await databases.of('leaderboard').transaction((tx) => tx.run(`UPDATE leaderboard_snapshots SET total = ${counted}`));
  await databases.closeAll();
}

/** Keeps all others off the scores until it is disposed of. */
async function lockScores(url: string): Promise<AsyncDisposable> {
  const source = url.startsWith('mysql')
    ? new DataSource({ type: 'mariadb', url })
    : new DataSource({ type: 'postgres', url });
  await source.initialize();
  const runner = source.createQueryRunner();
  if (url.startsWith('mysql')) await runner.query('LOCK TABLES leaderboard_scores WRITE');
  else {
    await runner.startTransaction();
    await runner.query('LOCK TABLE leaderboard_scores IN ACCESS EXCLUSIVE MODE');
  }
  // The lock ends with its connection.
  return { [Symbol.asyncDispose]: () => source.destroy() };
}

describe.each(everyServer)('$name', ({ create }) => {
  test('sixty readers of an old board are made to wait and sent away; events and readiness answer', async () => {
    await using database = await create();
    await oldBoard(database);
    await using app = await openApp(database.url);
    const calls: [string, object][] = [
      ['getLeaderboard', old],
      ['getLeaderboard', { ...old, limit: 100 }],
      ['getPlayerRank', { ...old, playerId: 'old-105' }],
    ];
    const done: Outcome[] = [];
    const reads: Promise<unknown>[] = [];
    {
      await using _locked = await lockScores(database.url);
      for (let i = 0; i < 60; i++) {
        const [method, message] = calls[i % calls.length] as [string, object];
        const wire = i % 2 === 0 ? app.http : app.grpc;
        reads.push(wire.call(leaderboard, method, message).then((outcome) => done.push(outcome)));
      }
      await eventually(async () => expect(done.length).toBeGreaterThanOrEqual(40));
      for (const { code, retryAfter } of done.slice(0, 40)) expect([code, retryAfter]).toEqual(['rate_limited', true]);
      for (let i = 0; i < 10; i++)
        expect((await app.http.call(gateway, 'ingest', signed(`crowd-${i}`, eventBody()))).code).toBe('ok');
      expect((await app.http.send('GET', '/health/ready', {})).status).toBe(200);
    }
    await Promise.all(reads);
    expect(await metricSum(app.url, 'heavy_reads_refused_total')).toBeGreaterThanOrEqual(40);
    for (const wire of [app.http, app.grpc]) {
      const { code, body } = await wire.call(leaderboard, 'getLeaderboard', old);
      expect([code, body.total]).toEqual(['ok', counted]);
    }
    expect(await metricSum(app.url, 'heavy_reads_running')).toBe(0);
  }, 60_000);
});

describe.each(everyDatabase)('$name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  beforeAll(async () => {
    database = await create();
    await oldBoard(database);
    app = await openApp(database.url, { WATCHERS_PER_ADDRESS_MAX: '20' });
  });
  afterAll(async () => {
    await app[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  test('whatever may go through very many rows has its turn; what memory has needs none', async () => {
    const turns = jest.spyOn(HeavyReads.prototype, 'run');
    const turnsOf = async (method: string, message: object): Promise<[string, number]> => {
      turns.mockClear();
      const { code } = await app.http.call(leaderboard, method, message);
      return [code, turns.mock.calls.length];
    };
    const { body } = await app.http.call(leaderboard, 'listSnapshots', old);
    const [{ id } = {}] = body.snapshots as { id?: string }[];
    for (const [method, message] of [
      ['getLeaderboard', old],
      ['getPlayerRank', { ...old, playerId: 'old-105' }],
      ['getSnapshot', { id }],
      ['listSnapshots', { kind: 'final' }],
      ['verifyLeaderboard', { window: 'daily' }],
    ] as const)
      expect([method, ...(await turnsOf(method, message))]).toEqual([method, 'ok', 1]);
    expect(await turnsOf('listSnapshots', {})).toEqual(['ok', 0]);
    await app.http.call(gateway, 'ingest', signed('now', eventBody()));
    await eventually(async () => {
      const found = await app.http.call(leaderboard, 'getLeaderboard', { window: 'daily' });
      expect(found.body.total).toBe(1);
      expect(await turnsOf('getLeaderboard', { window: 'daily' })).toEqual(['ok', 0]);
    });
  });

  test('a closed board is not counted: its final snapshot has the total; its pages and ranks are right', async () => {
    const read = async (message: object): Promise<Leaderboard> => {
      const { code, body } = await app.http.call(leaderboard, 'getLeaderboard', { ...old, limit: 12, ...message });
      expect(code).toBe('ok');
      return body as unknown as Leaderboard;
    };
    const first = await read({});
    const second = await read({ pageToken: first.nextPageToken });
    const third = await read({ pageToken: second.nextPageToken });
    expect([first, second, third].map(({ total }) => total)).toEqual([counted, counted, counted]);
    const entries = [...first.entries, ...second.entries, ...third.entries];
    expect(entries.map(({ rank, playerId }) => [rank, playerId])).toEqual(
      Array.from({ length: players }, (_, i) => [i + 1, `old-${100 + i}`]),
    );
    const { body } = await app.grpc.call(leaderboard, 'getPlayerRank', { ...old, playerId: 'old-105', around: 1 });
    expect(body).toMatchObject({ rank: 6, total: counted, neighbours: [{ rank: 5 }, { rank: 6 }, { rank: 7 }] });
  });

  afterEach(() => jest.restoreAllMocks());

  test('twenty watch one old board by one look at it; one address takes no more places than it may', async () => {
    const looks = jest.spyOn(LeaderboardRepository.prototype, 'closedPage');
    const { path, requestSerialize, responseDeserialize } = app.grpc.method(leaderboard, 'watchLeaderboard');
    const decode = responseDeserialize as (bytes: Buffer) => Leaderboard;
    const watch = (limit: number) =>
      app.grpc.client.makeServerStreamRequest(path, requestSerialize, decode, { ...old, limit });
    const calls = Array.from({ length: 20 }, (_, i) => watch(i + 1));
    for (const [i, call] of calls.entries()) {
      const { value } = await received(call)[Symbol.asyncIterator]().next();
      const { entries, total, nextPageToken } = value as Leaderboard;
      expect([entries.length, total]).toEqual([i + 1, counted]);
      const next = await app.http.call(leaderboard, 'getLeaderboard', { ...old, limit: 1, pageToken: nextPageToken });
      expect(next.body).toMatchObject({ entries: [{ rank: i + 2 }] });
    }
    // The pages that were read with the tokens are the others.
    expect(looks.mock.calls.filter(([, end]) => end === undefined)).toHaveLength(1);
    const refused = (async () => {
      for await (const _board of received(watch(1))) throw new Error('A board was told');
    })();
    await expect(refused).rejects.toMatchObject({ code: 'rate_limited', details: { retryAfterMs: 10_000 } });
    expect(await metricSum(app.url, 'leaderboard_watchers_refused_total{reason="address"}')).toBe(1);
    calls[0]?.cancel();
    await eventually(async () => expect(await metricSum(app.url, 'leaderboard_watchers ')).toBe(19));
    const again = watch(1);
    expect((await received(again)[Symbol.asyncIterator]().next()).value).toMatchObject({ total: counted });
    for (const call of [...calls, again]) call.cancel();
  });
});
