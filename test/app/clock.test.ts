import { authContract as auth } from '../../src/features/auth/auth.api';
import { leaderboardContract as leaderboard } from '../../src/features/leaderboard/leaderboard.api';
import { DatabaseClocks } from '../../src/shared/db/database.clocks';
import { counted, expected, type Points, play, wholeBoard } from '../features/leaderboard/play';
import { everyDatabase, everyServer, type TestDatabase } from '../support/databases';
import { eventually } from '../support/eventually';
import { metricSum } from '../support/metrics';
import { manyAddresses, register } from '../support/players';
import { TimeTravel } from '../support/time-travel';
import { openApp, type TestApp } from '../support/wires';

// What a wall clock that jumps does to a running process: nothing that cannot be undone.

const window = 'daily';
const key = '2026-11-18';
const hour = 3_600_000;
const points = (playerId: string, score: number, occurredAt: string): Points => ({
  playerId,
  points: score,
  occurredAt,
});

let travel: TimeTravel;
beforeEach(() => {
  travel = new TimeTravel('2026-11-18T12:00:00.000Z');
});
afterEach(() => travel[Symbol.dispose]());

/** Longer than the workers sleep. */
const rounds = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 2500));
const board = (app: TestApp) => wholeBoard(app.http, { window, key });
const sure = (app: TestApp) => metricSum(app.url, 'clock_sure');

describe.each(everyDatabase)('$name', ({ create }) => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await create();
  });
  afterEach(() => database[Symbol.asyncDispose]());

  test('26 hours ahead for seconds: the day stays open, what is accepted meanwhile counts, and logged-out tokens stay out', async () => {
    await using app = await openApp(database.url, manyAddresses);
    const before = points('ada', 50, '2026-11-18T11:00:00.000Z');
    await play(app, [before]);
    await counted(app);
    const [out, here] = [await register(app, 'out@example.com'), await register(app, 'here@example.com')];
    expect((await app.http.call(auth, 'logout', {}, out.headers)).code).toBe('ok');
    const tokens = async () => [
      (await app.http.call(auth, 'verify', {}, out.headers)).code,
      (await app.grpc.call(auth, 'verify', {}, here.headers)).code,
    ];
    expect(await tokens()).toEqual(['token_invalid', 'ok']);

    travel.jump(26 * hour);
    const during = points('bob', 70, '2026-11-18T11:30:00.000Z');
    await play(app, [during]);
    await counted(app);
    const late = await register(app, 'late@example.com');
    await rounds();
    expect([await tokens(), await sure(app)]).toEqual([['token_invalid', 'ok'], 0]);
    travel.jump(-26 * hour);
    await rounds();

    expect(await board(app)).toMatchObject({ state: 'open', entries: expected([before, during]) });
    expect(await tokens()).toEqual(['token_invalid', 'ok']);
    expect((await app.http.call(auth, 'verify', {}, late.headers)).code).toBe('ok');
    const { body } = await app.http.call(leaderboard, 'listSnapshots', { kind: 'final' });
    expect(body.snapshots).toEqual([]);
    for (const direction of ['ahead', 'back'])
      expect(await metricSum(app.url, `clock_jumps_total{direction="${direction}"}`)).toBe(1);
    // Minutes later it is believed again, and the day closes when it is over.
    travel.to('2026-11-18T12:04:00.000Z');
    await eventually(async () => expect(await sure(app)).toBe(1));
    travel.to('2026-11-19T00:10:00.000Z');
    await eventually(async () => expect((await board(app)).state).toBe('closed'));
  });

  test.each([-20, -45, 20])(
    'set by %i seconds: fresh tokens hold, here and in a process that was not',
    async (seconds) => {
      await using app = await openApp(database.url, manyAddresses);
      const fresh = await register(app, `set${seconds}@example.com`);
      travel.jump(seconds * 1000);
      const fresher = await register(app, `then${seconds}@example.com`);
      for (const { headers } of [fresh, fresher])
        for (const wire of [app.http, app.grpc]) expect((await wire.call(auth, 'verify', {}, headers)).code).toBe('ok');
      expect(await metricSum(app.url, 'clock_jumps_total')).toBe(0);
    },
  );
});

describe.each(everyServer)('a clock that differs from that of $name', ({ create }) => {
  test('closes nothing, however steadily it runs, until they agree', async () => {
    await using database = await create();
    const { shownBy } = DatabaseClocks.prototype;
    let behind = 26 * hour;
    const spy = jest.spyOn(DatabaseClocks.prototype, 'shownBy').mockImplementation(async function (
      this: DatabaseClocks,
      one,
    ) {
      return (await shownBy.call(this, one)) - behind;
    });
    // The database lives on the 17th.
    await using app = await openApp(database.url);
    const clocks = await eventuallyCalled(spy);
    await play(app, [points('ada', 50, '2026-11-18T11:00:00.000Z')]);
    await counted(app);
    travel.to('2026-11-19T00:11:00.000Z');
    await rounds();
    expect([(await board(app)).state, await sure(app)]).toEqual(['open', 0]);
    expect(await metricSum(app.url, 'clock_ahead_seconds')).toBeGreaterThan(26 * 3600 - 10);
    behind = 0;
    await clocks.compare();
    await eventually(async () => expect((await board(app)).state).toBe('closed'));
    spy.mockRestore();
  });
});

async function eventuallyCalled(spy: jest.SpyInstance): Promise<DatabaseClocks> {
  await eventually(async () => expect(spy).toHaveBeenCalled());
  return spy.mock.contexts[0] as DatabaseClocks;
}
