import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import type {
  Entry,
  GetLeaderboardRequest,
  GetPlayerRankRequest,
  GetSnapshotRequest,
  Leaderboard,
  ListSnapshotsRequest,
  ListSnapshotsResponse,
  PlayerRank,
  LeaderboardService as Proto,
  Snapshot,
  SnapshotPage,
  VerifyLeaderboardRequest,
  VerifyLeaderboardResponse,
} from '../../generated/aerie/leaderboard/v1/leaderboard';
import { toTime } from '../../shared/clock/time';
import { type Answer, cacheable } from '../../shared/contract/answer';
import { PageTokens, rowNumber } from '../../shared/contract/page-token';
import { HeavyReads } from '../../shared/db/heavy-reads';
import { pageTokenInvalid } from '../../shared/errors/common.errors';
import { BoardTokens, pageEnd } from './leaderboard.board-tokens';
import type { WindowKind } from './leaderboard.calendar';
import { playerNotRanked, snapshotNotFound } from './leaderboard.errors';
import { LeaderboardIndex } from './leaderboard.index';
import { LeaderboardMetrics } from './leaderboard.metrics';
import type { PlayerScore, RankedScores } from './leaderboard.ranking';
import { LeaderboardRepository } from './leaderboard.repository';
import { SnapshotsRepository, type StoredSnapshot } from './leaderboard.snapshots.repository';
import { LeaderboardWindows, type Place } from './leaderboard.windows';

const defaultLimit = 10;
const maxMade = 64;

const { MAX_SAFE_INTEGER: most } = Number;
const snapshotEnd = z.tuple(pageEnd);

interface PageEnd {
  readonly last: PlayerScore;
  readonly nextRank: number;
}

interface MadePage {
  /** A board in memory has the same array as long as nothing on it changes. */
  readonly scores: readonly PlayerScore[];
  readonly answer: Answer<Leaderboard>;
}

/** Part of a board at one moment. `total`: players on the whole board. */
interface BoardPart extends RankedScores {
  readonly state: 'open' | 'closed';
  readonly total: number;
}

/**
 * Boards, ranks and snapshots. A board is read from where it is kept in order, and otherwise from the database. There
 * a page goes through the whole board, so a few such reads are made at once (`HeavyReads`).
 */
@Injectable()
export class LeaderboardService implements Omit<Proto, 'watchLeaderboard'> {
  // First pages as answers, by what can change while their scores do not.
  private readonly made = new LRUCache<string, MadePage>({ max: maxMade });
  private readonly boardTokens;
  private readonly listTokens;
  private readonly entryTokens;

  constructor(
    private readonly windows: LeaderboardWindows,
    private readonly boards: LeaderboardIndex,
    private readonly repository: LeaderboardRepository,
    private readonly snapshots: SnapshotsRepository,
    private readonly heavy: HeavyReads,
    private readonly metrics: LeaderboardMetrics,
    pageTokens: PageTokens,
  ) {
    this.boardTokens = new BoardTokens(pageTokens);
    this.listTokens = pageTokens.of('leaderboard-snapshots', rowNumber);
    this.entryTokens = pageTokens.of('leaderboard-snapshot', snapshotEnd);
  }

  /** @throws AppError validation_failed (the key), season_not_found, page_token_invalid, rate_limited */
  async getLeaderboard(request: GetLeaderboardRequest): Promise<Answer<Leaderboard>> {
    const { window, key, limit = defaultLimit, pageToken } = request;
    const position = this.boardTokens.decode(window, pageToken);
    const began = position?.[4];
    if (began !== undefined && key !== undefined && began !== key) throw pageTokenInvalid();
    const named = window as WindowKind;
    const place = await (began === undefined ? this.windows.resolve(named, key) : this.windows.named(named, began));
    if (!place) throw pageTokenInvalid();
    const end = endOf(position);
    const part = await this.metrics.timed(() => this.partOf(place, end, limit));
    // Boards lose no players, so a page that went before has told no such rank.
    if (end && end.nextRank > part.total) throw pageTokenInvalid();
    const cache = isFinal(place, key ?? pageToken) ? 'final' : 'ask';
    return end ? cacheable(this.toLeaderboard(place, part), cache) : this.firstPage(place, part, cache);
  }

  /** The same scores are the same answer: it is made once, however many ask for it before the board changes. */
  private firstPage(place: Place, part: BoardPart, cache: 'ask' | 'final'): Answer<Leaderboard> {
    const { scores, state } = part;
    const { name, startsAt, endsAt } = place.window;
    const key = [name, startsAt, endsAt, state, scores.length, cache].join(' ');
    const known = this.made.get(key);
    if (known?.scores === scores) return known.answer;
    const made = cacheable(this.toLeaderboard(place, part), cache);
    this.made.set(key, { scores, answer: made });
    return made;
  }

  /** @throws AppError validation_failed (the key), season_not_found, player_not_ranked, rate_limited */
  async getPlayerRank({ playerId, window, key, around = 5 }: GetPlayerRankRequest): Promise<Answer<PlayerRank>> {
    const place = await this.windows.resolve(window as WindowKind, key);
    const part = await this.metrics.timed(() => this.partAround(place, playerId, around));
    const neighbours = part ? toEntries(part) : [];
    const me = neighbours.find((entry) => entry.playerId === playerId);
    if (!part || !me) throw playerNotRanked(playerId);
    const { total } = part;
    const percentile = Math.round((10_000 * (total - me.rank)) / total) / 100;
    const rank = { window: place.window.kind, key: place.window.key, ...me, total, percentile, neighbours };
    return cacheable(rank, isFinal(place, key) ? 'final' : 'ask');
  }

  /** Newest first. @throws AppError validation_failed (the key), page_token_invalid, rate_limited */
  async listSnapshots(request: ListSnapshotsRequest): Promise<Answer<ListSnapshotsResponse>> {
    const { window, key, kind, pageSize = 20, pageToken } = request;
    if (window !== undefined && key !== undefined) await this.windows.resolve(window as WindowKind, key);
    const filter = [window ?? null, key ?? null, kind ?? null];
    const [before = most] = this.listTokens.decode(filter, pageToken) ?? [];
    const look = (): Promise<StoredSnapshot[]> => this.snapshots.list({ window, key, kind }, before, pageSize + 1);
    // Those that are wanted may be far behind very many others.
    const found = await (filter.some((one) => one !== null) ? this.heavy.run(look) : look());
    const { page, nextPageToken } = this.listTokens.cut(filter, found, pageSize, ({ seq }) => [seq]);
    return cacheable({ snapshots: page.map(toSnapshot), nextPageToken }, 'ask');
  }

  /** The entries of a snapshot. @throws AppError snapshot_not_found, page_token_invalid, rate_limited */
  async getSnapshot({ id, limit = defaultLimit, pageToken }: GetSnapshotRequest): Promise<Answer<SnapshotPage>> {
    const end = endOf(this.entryTokens.decode([id], pageToken));
    const snapshot = await this.snapshots.find(id);
    if (!snapshot) throw snapshotNotFound(id);
    if (end && end.nextRank > snapshot.total) throw pageTokenInvalid();
    const { nextRank: rank = 1 } = end ?? {};
    const found = await this.snapshotScores(snapshot, end, limit + 1);
    const { page, nextPageToken } = this.entryTokens.cut([id], found, limit, (last) => positionOf(last, rank + limit));
    const entries = toEntries({ rank, scores: page });
    return cacheable({ snapshot: toSnapshot(snapshot), entries, nextPageToken }, 'final');
  }

  /**
   * Compares a board as it is kept in order, in memory or in Redis, with the database, and repairs it. Of a board that is not
   * kept there is nothing to compare.
   * @throws AppError validation_failed (the key), season_not_found, rate_limited
   */
  async verifyLeaderboard({ window, key }: VerifyLeaderboardRequest): Promise<VerifyLeaderboardResponse> {
    const { stored } = await this.windows.resolve(window as WindowKind, key);
    return this.heavy.run(
      async () => (stored && (await this.boards.verify(stored))) ?? { checked: 0, differing: 0, repaired: 0 },
    );
  }

  /** The next `limit` players after `end`; from the top without it. Of closed boards the final snapshot tells the total. */
  private async partOf({ window, stored }: Place, end: PageEnd | undefined, limit: number): Promise<BoardPart> {
    if (!stored) return { state: this.windows.isDue(window) ? 'closed' : 'open', total: 0, rank: 1, scores: [] };
    const { id, state } = stored;
    const indexed = await this.boards.page(stored, end?.last, limit);
    if (indexed) return { state, ...indexed };
    const total = state === 'closed' ? await this.repository.finalTotal(id) : undefined;
    if (total === undefined) {
      const { passed, ...found } = await this.heavy.run(() => this.repository.page(id, end?.last, limit));
      return { state, rank: passed + 1, ...found };
    }
    const scores = await this.heavy.run(() => this.repository.closedPage(id, end?.last, limit));
    return { state, total, rank: end?.nextRank ?? 1, scores };
  }

  /** A player between up to `each` on both sides; undefined without a score. */
  private async partAround({ stored }: Place, playerId: string, each: number): Promise<BoardPart | undefined> {
    if (!stored) return undefined;
    const { id, state } = stored;
    const indexed = await this.boards.around(stored, playerId, each);
    if (indexed) return indexed === 'unranked' ? undefined : { state, ...indexed };
    const total = state === 'closed' ? await this.repository.finalTotal(id) : undefined;
    const found = await this.heavy.run(() => this.repository.around(id, playerId, each, total));
    return found && { state, total: found.total, rank: found.passed + 1, scores: found.scores };
  }

  private async snapshotScores(
    { id, kind, window, key }: StoredSnapshot,
    end: PageEnd | undefined,
    limit: number,
  ): Promise<readonly PlayerScore[]> {
    if (kind === 'periodic') return this.snapshots.entries(id, (end?.nextRank ?? 1) - 1, limit);
    // The window has changed no more since its final snapshot.
    const place = await this.windows.resolve(window, key);
    return (await this.partOf(place, end, limit)).scores;
  }

  private toLeaderboard({ window }: Place, part: BoardPart): Leaderboard {
    const { kind, key, startsAt, endsAt } = window;
    const last = part.scores.at(-1);
    const nextRank = part.rank + part.scores.length;
    const more = last !== undefined && nextRank <= part.total;
    return {
      window: kind,
      key,
      startsAt: toTime(startsAt),
      endsAt: toTime(endsAt),
      state: part.state,
      total: part.total,
      entries: toEntries(part),
      nextPageToken: more ? this.boardTokens.encode(kind, key, last, nextRank) : '',
    };
  }
}

/** A closed board that the request itself names: without a key the current one is meant, which goes on. */
function isFinal({ stored }: Place, named: string | undefined): boolean {
  return stored?.state === 'closed' && named !== undefined && named !== '';
}

function toEntries({ rank, scores }: RankedScores): Entry[] {
  return scores.map(({ playerId, score, achievedAt }, i) => ({
    rank: rank + i,
    playerId,
    score,
    achievedAt: toTime(achievedAt),
  }));
}

function toSnapshot({ id, window, key, kind, takenAt, total }: StoredSnapshot): Snapshot {
  return { id, window, key, kind, takenAt: toTime(takenAt), total };
}

function positionOf({ score, achievedAt, playerId }: PlayerScore, nextRank: number): z.output<typeof snapshotEnd> {
  return [score, achievedAt, playerId, nextRank];
}

/** undefined for the first page. */
function endOf(position: readonly [number, number, string, number, ...unknown[]] | undefined): PageEnd | undefined {
  if (!position) return undefined;
  const [score, achievedAt, playerId, nextRank] = position;
  return { last: { score, achievedAt, playerId }, nextRank };
}
