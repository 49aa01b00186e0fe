import { eventsGatewayContract as gateway } from '../../../src/features/events-gateway/events-gateway.api';
import { leaderboardContract as leaderboard } from '../../../src/features/leaderboard/leaderboard.api';
import { LeaderboardScoring } from '../../../src/features/leaderboard/leaderboard.scoring';
import { progressionContract as progression } from '../../../src/features/progression/progression.api';
import type { Snapshot, SnapshotPage } from '../../../src/generated/aerie/leaderboard/v1/leaderboard';
import { unavailable } from '../../../src/shared/errors/common.errors';
import { everyDatabase, everyServer, type TestDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { metricSum } from '../../support/metrics';
import { TimeTravel } from '../../support/time-travel';
import { openApp, type TestApp } from '../../support/wires';
import { counted, expected, type Points, page, play, wholeBoard } from './play';

// A window's end: what still counts, when it closes, and that it closes once.

const window = 'daily';
const key = '2026-11-18';
const points = (playerId: string, score: number, occurredAt: string): Points => ({
  playerId,
  points: score,
  occurredAt,
});
const early = points('early-bird', 50, '2026-11-18T20:00:00.000Z');
const atTheEdge = points('night-owl', 70, '2026-11-18T23:59:59.999Z');

let travel: TimeTravel;
beforeEach(() => {
  travel = new TimeTravel('2026-11-18T23:56:00.000Z');
});
afterEach(() => travel[Symbol.dispose]());

async function finals(app: TestApp): Promise<Snapshot[]> {
  const { body } = await app.http.call(leaderboard, 'listSnapshots', { window, key, kind: 'final' });
  return body.snapshots as Snapshot[];
}

async function closed(app: TestApp): Promise<SnapshotPage> {
  await eventually(async () => expect((await page(app.http, { window, key })).state).toBe('closed'));
  const [final, ...more] = await finals(app);
  expect(more).toEqual([]);
  const { body } = await app.http.call(leaderboard, 'getSnapshot', { id: final?.id, limit: 100 });
  return body as unknown as SnapshotPage;
}

async function staysOpen(app: TestApp): Promise<void> {
  // Longer than the worker sleeps.
  await new Promise((resolve) => setTimeout(resolve, 2500));
  expect((await page(app.http, { window, key })).state).toBe('open');
}

describe.each(everyDatabase)('$name', ({ create }) => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await create();
  });
  afterEach(() => database[Symbol.asyncDispose]());

  test('for ten minutes what happened before the end still counts; what is accepted later gives XP and no score', async () => {
    await using app = await openApp(database.url);
    await play(app, [early]);
    travel.to('2026-11-19T00:09:30.000Z');
    await play(app, [atTheEdge, points('tomorrow', 5, '2026-11-19T00:00:00.000Z')]);
    await counted(app);
    const board = await wholeBoard(app.http, { window, key });
    expect(board).toMatchObject({
      state: 'open',
      startsAt: '2026-11-18T00:00:00.000Z',
      endsAt: '2026-11-19T00:00:00.000Z',
      entries: expected([early, atTheEdge]),
    });
    expect((await page(app.http, { window })).key).toBe('2026-11-19');
    travel.to('2026-11-19T00:10:00.000Z');
    const final = await closed(app);
    expect(final).toMatchObject({ snapshot: { kind: 'final', total: 2 }, entries: expected([early, atTheEdge]) });

    const late = points('early-bird', 500, '2026-11-18T23:59:00.000Z');
    await play(app, [late]);
    await counted(app);
    expect((await wholeBoard(app.http, { window, key })).entries).toEqual(expected([early, atTheEdge]));
    expect(await closed(app)).toEqual(final);
    expect((await page(app.http, { window: 'weekly' })).entries).toEqual(
      expected([early, atTheEdge, late, points('tomorrow', 5, '2026-11-19T00:00:00.000Z')]),
    );
    const { body } = await app.http.call(leaderboard, 'getPlayerRank', { window, key, playerId: 'early-bird' });
    expect(body).toMatchObject({ rank: 2, score: 50, total: 2, percentile: 0 });
    const progress = await app.http.call(progression, 'getProgress', { playerId: 'early-bird' });
    expect(progress.body).toMatchObject({ xp: 550 });
    expect(await metricSum(app.url, 'leaderboard_late_events_total{window="daily"}')).toBe(1);
    expect(await metricSum(app.url, 'leaderboard_snapshots_total{window="daily",kind="final"}')).toBe(1);
  });

  test('an end that passed while the process was down is made up for at the next start, once', async () => {
    {
      await using app = await openApp(database.url);
      await play(app, [early, atTheEdge]);
      await counted(app);
    }
    travel.to('2026-11-21T08:00:00.000Z');
    for (let start = 0; start < 2; start++) {
      await using app = await openApp(database.url);
      expect(await closed(app)).toMatchObject({ snapshot: { total: 2 }, entries: expected([early, atTheEdge]) });
      expect(await finals(app)).toHaveLength(1);
    }
  });

  test('an event that was accepted in time and is not counted yet is in the final snapshot', async () => {
    {
      await using app = await openApp(database.url);
      await play(app, [early]);
      await counted(app);
    }
    {
      // The consumer is stopped.
      await using app = await openApp(database.url, { MODULES: 'events-gateway,fairness,progression' });
      await play(app, [atTheEdge]);
    }
    travel.to('2026-11-19T03:00:00.000Z');
    await using app = await openApp(database.url);
    expect((await closed(app)).entries).toEqual(expected([early, atTheEdge]));
  });

  test('an event that a dead letter brings back after the end gives no score', async () => {
    const lost = { ...atTheEdge, id: 'lost' };
    {
      await using app = await openApp(database.url, { MODULES: 'events-gateway,fairness,progression' });
      await play(app, [lost]);
      const parked = { eventId: lost.id, consumer: 'leaderboard', reason: 'for the test' };
      expect((await app.http.call(gateway, 'parkEvent', parked)).code).toBe('ok');
    }
    await using app = await openApp(database.url);
    await play(app, [early]);
    await counted(app);
    travel.to('2026-11-19T00:11:00.000Z');
    const final = await closed(app);
    expect(final.entries).toEqual(expected([early]));
    const { body } = await app.http.call(gateway, 'listDeadLetters', {});
    const [letter] = body.deadLetters as { id: string }[];
    expect((await app.http.call(gateway, 'redriveDeadLetter', { id: letter?.id })).code).toBe('ok');
    await eventually(async () =>
      expect(await metricSum(app.url, 'leaderboard_late_events_total{window="daily"}')).toBe(1),
    );
    expect(await closed(app)).toEqual(final);
  });

  test('an open season follows the configuration; one that was taken out of it is read and closed all the same', async () => {
    const seasonal = 'seasonal';
    {
      await using app = await openApp(database.url, { SEASONS: 's1:2026-11-01/2026-11-18' });
      await play(app, [early]);
      await counted(app);
    }
    const more = points('night-owl', 9, '2026-11-19T00:30:00.000Z');
    {
      await using app = await openApp(database.url, { SEASONS: 's1:2026-11-01/2026-11-20' });
      travel.to('2026-11-19T01:00:00.000Z');
      await eventually(async () =>
        expect(await page(app.http, { window: seasonal, key: 's1' })).toMatchObject({
          state: 'open',
          endsAt: '2026-11-21T00:00:00.000Z',
        }),
      );
      await play(app, [more]);
      await counted(app);
      expect((await wholeBoard(app.http, { window: seasonal })).entries).toEqual(expected([early, more]));
    }
    travel.to('2026-11-21T00:11:00.000Z');
    await using app = await openApp(database.url);
    await eventually(async () => {
      expect(await page(app.http, { window: seasonal, key: 's1' })).toMatchObject({ state: 'closed', total: 2 });
    });
    expect((await app.http.call(leaderboard, 'getLeaderboard', { window: seasonal, key: 's2' })).code).toBe(
      'validation_failed',
    );
    expect((await app.http.call(leaderboard, 'listSnapshots', { window: seasonal, key: 's1' })).code).toBe('ok');
  });

  test('a day that was over before anything was accepted has a board without players, closed', async () => {
    await using app = await openApp(database.url);
    await play(app, [points('too-late', 9, '2026-11-16T10:00:00.000Z')]);
    await counted(app);
    expect(await page(app.http, { window, key: '2026-11-16' })).toMatchObject({
      state: 'closed',
      total: 0,
      entries: [],
    });
    expect(await page(app.http, { window, key: '2026-11-30' })).toMatchObject({ state: 'open', total: 0, entries: [] });
    expect((await page(app.http, { window: 'seasonal' })).entries).toHaveLength(1);
  });
});

describe.each(everyServer)('$name, two instances', ({ create }) => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await create();
  });
  afterEach(() => database[Symbol.asyncDispose]());

  test('both read the same at once, whoever counted; one of them closes the window and takes each snapshot', async () => {
    await using one = await openApp(database.url);
    await using two = await openApp(database.url);
    const made = [early];
    await play(one, made);
    await counted(one);
    for (const [i, app] of [one, two, one, two, two, one].entries()) {
      const more = [points('night-owl', i + 1, atTheEdge.occurredAt), points(`player-${i}`, 9, early.occurredAt)];
      made.push(...more);
      await play(app, more);
      await counted(app);
      expect((await wholeBoard(one.http, { window, key })).entries).toEqual(expected(made));
      expect((await wholeBoard(two.grpc, { window, key })).entries).toEqual(expected(made));
    }
    const snapshots = async (): Promise<Snapshot[]> => {
      const { body } = await one.http.call(leaderboard, 'listSnapshots', { pageSize: 100 });
      return body.snapshots as Snapshot[];
    };
    const slotOf = ({ takenAt }: Snapshot): number => Math.floor(Date.parse(takenAt) / 900_000);
    const taken = async (app: TestApp): Promise<number> => metricSum(app.url, 'leaderboard_snapshots_total{');
    await eventually(async () => expect(await snapshots()).toHaveLength(3));
    travel.to('2026-11-19T00:16:00.000Z');
    for (const app of [one, two]) expect((await closed(app)).entries).toEqual(expected(made));
    await eventually(async () => {
      const all = await snapshots();
      // A periodic one of each board before, then the day's final one and two more periodic ones; three, where one of the
      // two looked at the day a moment before it was closed.
      expect(all.length).toBeGreaterThanOrEqual(6);
      expect(all.filter(({ kind }) => kind === 'final')).toHaveLength(1);
      expect(new Set(all.map((each) => `${each.window} ${each.key} ${each.kind} ${slotOf(each)}`)).size).toBe(
        all.length,
      );
      expect((await taken(one)) + (await taken(two))).toBe(all.length);
    });
  });

  test('a window does not close while an event that counts is not passed, and closes when it is counted', async () => {
    await using app = await openApp(database.url);
    await play(app, [early]);
    await counted(app);
    {
      using _held = holdConsumer();
      await play(app, [atTheEdge]);
      travel.to('2026-11-19T00:15:00.000Z');
      await staysOpen(app);
    }
    expect((await closed(app)).entries).toEqual(expected([early, atTheEdge]));
  });
});

/** Keeps the consumer from passing anything until it is disposed of. */
function holdConsumer(): Disposable {
  const apply = jest.spyOn(LeaderboardScoring.prototype, 'apply').mockRejectedValue(unavailable(new Error('held')));
  return { [Symbol.dispose]: () => apply.mockRestore() };
}
