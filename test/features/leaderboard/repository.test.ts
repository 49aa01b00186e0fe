import { Board, type BoardCache } from '../../../src/features/leaderboard/leaderboard.boards';
import { windowOf } from '../../../src/features/leaderboard/leaderboard.calendar';
import { leaderboardTables } from '../../../src/features/leaderboard/leaderboard.entity';
import type { LeaderboardMetrics } from '../../../src/features/leaderboard/leaderboard.metrics';
import { leaderboardMigrations } from '../../../src/features/leaderboard/leaderboard.migrations';
import type { PlayerScore } from '../../../src/features/leaderboard/leaderboard.ranking';
import { LeaderboardRepository, type StoredWindow } from '../../../src/features/leaderboard/leaderboard.repository';
import type { LeaderboardSettings } from '../../../src/features/leaderboard/leaderboard.settings';
import { PeriodicSnapshots } from '../../../src/features/leaderboard/leaderboard.snapshots';
import { SnapshotsRepository } from '../../../src/features/leaderboard/leaderboard.snapshots.repository';
import { Databases } from '../../../src/shared/db/databases';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { HandClock } from '../../support/hand-clock';

const never = new AbortController().signal;
const day = windowOf('daily', '2026-11-18', Date.UTC(2026, 10, 18), Date.UTC(2026, 10, 19));
const limits = { poolMin: 1, poolMax: 4, connectTimeoutMs: 5000, queryTimeoutMs: 5000 };

describe.each(everyDatabase)('$name', ({ create }) => {
  let place: TestDatabase;
  let databases: Databases;
  let repository: LeaderboardRepository;
  let snapshots: SnapshotsRepository;
  let window: StoredWindow;
  let applied: number;

  beforeEach(async () => {
    place = await create();
    databases = new Databases(limits);
    databases.register('leaderboard', place.url, leaderboardTables, leaderboardMigrations);
    await databases.connectAll();
    await databases.migrateAll();
    repository = new LeaderboardRepository(databases);
    snapshots = new SnapshotsRepository(databases);
    window = await repository.ensureWindow(day);
    await repository.places.begin({ seq: 0, id: '', ahead: [] }, 0, []);
    applied = 0;
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await databases.closeAll();
    await place[Symbol.asyncDispose]();
  });

  const scored = (playerId: string, score: number): PlayerScore => ({ playerId, score, achievedAt: day.startsAt });

  /** As another process would; answers the revision, undefined when the window is closed. */
  async function apply(...deltas: PlayerScore[]): Promise<number | undefined> {
    applied += 1;
    const event = { seq: applied, afterSeq: applied - 1, id: `event-${applied}` };
    const { effect } = await repository.apply([event], 'log', async (step) => {
      const revision = (await step.lock([window.id])).get(window.id);
      if (revision === undefined) return undefined;
      await step.announce(await step.add([{ windowId: window.id, revision, scores: deltas }]));
      return revision;
    });
    return effect;
  }

  test('a window that has changed since it was read is not closed; closed once, it takes no more', async () => {
    await apply(scored('one', 5));
    const [read] = await repository.openWindows();
    await apply(scored('two', 7));
    const now = day.endsAt + 600_000;
    expect(await snapshots.close(read as StoredWindow, now)).toBe(false);
    const [again] = await repository.openWindows();
    expect(again).toMatchObject({ state: 'open', revision: 2 });
    const closing = [1, 2, 3].map(() => snapshots.close(again as StoredWindow, now));
    expect((await Promise.all(closing)).filter(Boolean)).toHaveLength(1);
    expect(await repository.openWindows()).toEqual([]);
    expect(await apply(scored('three', 9))).toBeUndefined();
    const found = await snapshots.list({}, Number.MAX_SAFE_INTEGER, 10);
    expect(found).toEqual([expect.objectContaining({ kind: 'final', total: 2, takenAt: now })]);
  });

  test('a board follows what others have announced, and is read anew when that is forgotten', async () => {
    jest.spyOn(LeaderboardRepository.prototype, 'embedded', 'get').mockReturnValue(false);
    await apply(scored('one', 5));
    const board = new Board({ ...window, revision: 1 }, repository);
    await board.load(never);
    await apply(scored('two', 7));
    await apply(scored('one', 4), scored('three', 1));
    expect([board.has(1), board.has(3)]).toEqual([true, false]);
    expect(await board.catchUp(3)).toBe(true);
    expect(board.has(3)).toBe(true);
    expect(board.ranking.page(undefined, 10).scores).toEqual([scored('one', 9), scored('two', 7), scored('three', 1)]);
    await apply(scored('two', 7));
    await apply(scored('two', 7));
    await repository.forgetChanges(window.id, 4);
    expect(await board.catchUp(5)).toBe(false);
  });

  test('one snapshot for each slot, whoever comes first', async () => {
    const top = { total: 2, scores: [scored('one', 5), scored('two', 3)] };
    const taking = [1, 2, 3].map((n) => snapshots.keepPeriodic(window.id, 900_000, 1_000_000 + n, top));
    expect((await Promise.all(taking)).filter(Boolean)).toHaveLength(1);
    expect(await snapshots.keepPeriodic(window.id, 1_800_000, 2_000_000, top)).toBe(true);
    const [latest, first] = await snapshots.list({ window: 'daily' }, Number.MAX_SAFE_INTEGER, 10);
    expect(latest).toMatchObject({ kind: 'periodic', takenAt: 2_000_000, total: 2 });
    expect(await snapshots.entries(first?.id ?? '', 0, 10)).toMatchObject(top.scores);
    // A single row: MariaDB does not say of one whether it was new, and the snapshot failed.
    const alone = { total: 1, scores: [scored('one', 5)] };
    expect(await snapshots.keepPeriodic(window.id, 2_700_000, 3_000_000, alone)).toBe(true);
  });

  test('periodic snapshots are forgotten when their time is over, a few at once; final ones and their boards stay', async () => {
    const clock = new HandClock();
    const dayMs = 86_400_000;
    const now = clock.now();
    const ages = [...Array.from({ length: 12 }, (_, i) => 40 - i / 10), 30, 29];
    const top = { total: 1, scores: [scored('one', 5)] };
    await apply(scored('one', 5));
    for (const [slot, age] of ages.entries()) await snapshots.keepPeriodic(window.id, slot + 1, now - age * dayMs, top);
    const [stored] = await repository.openWindows();
    expect(await snapshots.close(stored!, now - 40 * dayMs)).toBe(true);
    const kept = () => snapshots.list({}, Number.MAX_SAFE_INTEGER, 100);
    const [final, , , oldest] = await kept();
    const prunerOf = (snapshotRetentionMs: number): PeriodicSnapshots => {
      const settings = { snapshotRetentionMs } as LeaderboardSettings;
      return new PeriodicSnapshots({} as BoardCache, repository, snapshots, {} as LeaderboardMetrics, clock, settings);
    };
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
    expect(await repository.of(window.id, ['one'])).toEqual(top.scores);
  });
});
