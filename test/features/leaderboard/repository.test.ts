import { Board } from '../../../src/features/leaderboard/leaderboard.board';
import { windowOf } from '../../../src/features/leaderboard/leaderboard.calendar';
import { leaderboardMigrations } from '../../../src/features/leaderboard/leaderboard.migrations';
import { Pruner } from '../../../src/features/leaderboard/leaderboard.pruner';
import { ScoresRepository } from '../../../src/features/leaderboard/leaderboard.scores.repository';
import type { LeaderboardSettings } from '../../../src/features/leaderboard/leaderboard.settings';
import { SnapshotsRepository } from '../../../src/features/leaderboard/leaderboard.snapshots.repository';
import type { Standing } from '../../../src/features/leaderboard/leaderboard.standing';
import { type StoredWindow, WindowsRepository } from '../../../src/features/leaderboard/leaderboard.windows.repository';
import { Databases } from '../../../src/shared/db/databases';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { HandClock } from '../../support/hand-clock';
import { testJobs } from '../../support/jobs';

const never = new AbortController().signal;
const day = windowOf('daily', '2026-11-18', Date.UTC(2026, 10, 18), Date.UTC(2026, 10, 19));
const limits = { poolMin: 1, poolMax: 4, connectTimeoutMs: 5000, queryTimeoutMs: 5000 };

describe.each(everyDatabase)('$name', ({ create }) => {
  let place: TestDatabase;
  let databases: Databases;
  let windows: WindowsRepository;
  let scores: ScoresRepository;
  let snapshots: SnapshotsRepository;
  let window: StoredWindow;

  beforeEach(async () => {
    place = await create();
    databases = new Databases(limits);
    databases.register('leaderboard', place.url, [], leaderboardMigrations);
    await databases.connectAll();
    await databases.migrateAll();
    windows = new WindowsRepository(databases);
    scores = new ScoresRepository(databases);
    snapshots = new SnapshotsRepository(databases);
    window = await windows.ensure(day);
  });
  afterEach(async () => {
    await databases.closeAll();
    await place[Symbol.asyncDispose]();
  });

  const standing = (playerId: string, score: number): Standing => ({ playerId, score, achievedAt: day.startsAt });

  /** As another process would; answers the revision, undefined when the window is closed. */
  function apply(...deltas: Standing[]): Promise<number | undefined> {
    return scores.apply(1, async (step) => {
      const revision = (await step.lock([window.id])).get(window.id);
      if (revision === undefined) return undefined;
      await step.announce(window.id, { revision, standings: await step.add(window.id, revision, deltas) });
      return revision;
    });
  }

  test('a window that has changed since it was read is not closed; closed once, it takes no more', async () => {
    await apply(standing('one', 5));
    const [read] = await windows.open();
    await apply(standing('two', 7));
    const now = day.endsAt + 600_000;
    expect(await snapshots.close(read as StoredWindow, now)).toBe(false);
    const [again] = await windows.open();
    expect(again).toMatchObject({ state: 'open', revision: 2 });
    const closing = [1, 2, 3].map(() => snapshots.close(again as StoredWindow, now));
    expect((await Promise.all(closing)).filter(Boolean)).toHaveLength(1);
    expect(await windows.open()).toEqual([]);
    expect(await apply(standing('three', 9))).toBeUndefined();
    const found = await snapshots.list({}, Number.MAX_SAFE_INTEGER, 10);
    expect(found).toEqual([expect.objectContaining({ kind: 'final', total: 2, takenAt: now })]);
  });

  test('a board follows what others have announced, and is read anew when that is forgotten', async () => {
    await apply(standing('one', 5));
    const board = new Board(window.id, scores, 1, false);
    await board.load(never);
    await apply(standing('two', 7));
    await apply(standing('one', 4), standing('three', 1));
    expect([board.has(1), board.has(3)]).toEqual([true, false]);
    expect(await board.catchUp(3)).toBe(true);
    expect(board.has(3)).toBe(true);
    expect(board.ranking.page(undefined, 10).standings).toEqual([
      standing('one', 9),
      standing('two', 7),
      standing('three', 1),
    ]);
    await apply(standing('two', 7));
    await apply(standing('two', 7));
    await scores.forgetChanges(window.id, 4);
    expect(await board.catchUp(5)).toBe(false);
  });

  test('one snapshot for each slot, whoever comes first', async () => {
    const top = { total: 2, standings: [standing('one', 5), standing('two', 3)] };
    const taking = [1, 2, 3].map((n) => snapshots.keepPeriodic(window.id, 900_000, 1_000_000 + n, top));
    expect((await Promise.all(taking)).filter(Boolean)).toHaveLength(1);
    expect(await snapshots.keepPeriodic(window.id, 1_800_000, 2_000_000, top)).toBe(true);
    const [latest, first] = await snapshots.list({ window: 'daily' }, Number.MAX_SAFE_INTEGER, 10);
    expect(latest).toMatchObject({ kind: 'periodic', takenAt: 2_000_000, total: 2 });
    expect(await snapshots.entries(first?.id ?? '', 0, 10)).toEqual(top.standings);
    // A single row: MariaDB does not say of one whether it was new, and the snapshot failed.
    const alone = { total: 1, standings: [standing('one', 5)] };
    expect(await snapshots.keepPeriodic(window.id, 2_700_000, 3_000_000, alone)).toBe(true);
  });

  test('periodic snapshots are forgotten when their time is over, a few at once; final ones and their boards stay', async () => {
    const clock = new HandClock();
    const dayMs = 86_400_000;
    const now = clock.now();
    const ages = [...Array.from({ length: 12 }, (_, i) => 40 - i / 10), 30, 29];
    const top = { total: 1, standings: [standing('one', 5)] };
    await apply(standing('one', 5));
    for (const [slot, age] of ages.entries()) await snapshots.keepPeriodic(window.id, slot + 1, now - age * dayMs, top);
    const [stored] = await windows.open();
    expect(await snapshots.close(stored!, now - 40 * dayMs)).toBe(true);
    const kept = () => snapshots.list({}, Number.MAX_SAFE_INTEGER, 100);
    const [final, , , oldest] = await kept();
    const prunerOf = (snapshotRetentionMs: number): Pruner =>
      new Pruner(snapshots, clock, { snapshotRetentionMs } as LeaderboardSettings, testJobs().jobs);
    expect(await prunerOf(0).prune()).toBe(false);
    expect(await kept()).toHaveLength(15);
    clock.sure();
    clock.ahead = 40 * dayMs;
    expect(await prunerOf(30 * dayMs).prune()).toBe(false);
    clock.ahead = 0;
    expect([await prunerOf(30 * dayMs).prune(), (await kept()).length]).toEqual([false, 15]);
    clock.at += 180_000;
    const pruner = prunerOf(30 * dayMs + 180_000);
    expect([await pruner.prune(), await pruner.prune(), await pruner.prune()]).toEqual([true, false, false]);
    expect((await kept()).map(({ kind, takenAt }) => [kind, (now - takenAt) / dayMs])).toEqual([
      ['final', 40],
      ['periodic', 29],
      ['periodic', 30],
    ]);
    expect([final?.kind, oldest?.kind]).toEqual(['final', 'periodic']);
    expect(await snapshots.entries(oldest?.id ?? '', 0, 10)).toEqual([]);
    expect(await scores.of(window.id, ['one'])).toEqual(top.standings);
  });
});
