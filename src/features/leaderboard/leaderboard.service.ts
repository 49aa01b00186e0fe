import { Injectable } from '@nestjs/common';
import type {
  GetLeaderboardRequest,
  GetPlayerRankRequest,
  GetSnapshotRequest,
  Leaderboard,
  ListSnapshotsRequest,
  ListSnapshotsResponse,
  PlayerRank,
  LeaderboardService as Proto,
  SnapshotPage,
  VerifyLeaderboardRequest,
  VerifyLeaderboardResponse,
} from '../../generated/aerie/leaderboard/v1/leaderboard';
import { toTime } from '../../shared/clock/time';
import { cacheable } from '../../shared/contract/answer';
import { PageTokens } from '../../shared/contract/page-token';
import { pageTokenInvalid } from '../../shared/errors/common.errors';
import type { WindowKind } from './leaderboard.calendar';
import { boardPosition, fromPosition, toEntries, toPosition } from './leaderboard.entries';
import { playerNotRanked } from './leaderboard.errors';
import { LeaderboardMetrics } from './leaderboard.metrics';
import { type BoardPart, BoardReader } from './leaderboard.reader';
import { SnapshotReader } from './leaderboard.snapshot-reader';
import { Verifier } from './leaderboard.verifier';
import { type Place, Windows } from './leaderboard.windows';

export const defaultLimit = 10;
const maxLimit = 100;
const defaultAround = 5;

/** `page`: the first so many. */
export interface WatchedBoard {
  readonly closed: boolean;
  page(limit: number): Leaderboard;
}

@Injectable()
export class LeaderboardService implements Omit<Proto, 'watchLeaderboard'> {
  private readonly tokens;

  constructor(
    private readonly windows: Windows,
    private readonly reader: BoardReader,
    private readonly snapshots: SnapshotReader,
    private readonly verifier: Verifier,
    private readonly metrics: LeaderboardMetrics,
    pageTokens: PageTokens,
  ) {
    this.tokens = pageTokens.of('leaderboard', boardPosition);
  }

  async getLeaderboard(request: GetLeaderboardRequest): Promise<Leaderboard> {
    const { key, limit = defaultLimit, pageToken } = request;
    const position = this.tokens.decode(request.window, pageToken);
    const place = await this.placeOf(request, position?.[4]);
    const end = fromPosition(position);
    const part = await this.metrics.timed(() => this.reader.page(place, end, limit));
    // Boards lose no players, so a page that went before has told no such rank.
    if (end && end.nextRank > part.total) throw pageTokenInvalid();
    return cacheable(this.toLeaderboard(place, part), isFinal(place, key ?? pageToken) ? 'final' : 'ask');
  }

  /** The top of a board as it is now, of which first pages of every size can be made. */
  async top({ window, key }: Pick<GetLeaderboardRequest, 'window' | 'key'>): Promise<WatchedBoard> {
    const place = await this.windows.resolve(window as WindowKind, key);
    const part = await this.metrics.timed(() => this.reader.page(place, undefined, maxLimit));
    const page = (limit: number): Leaderboard =>
      this.toLeaderboard(place, { ...part, standings: part.standings.slice(0, limit) });
    return { closed: part.state === 'closed', page };
  }

  async getPlayerRank({
    playerId,
    window: kind,
    key,
    around = defaultAround,
  }: GetPlayerRankRequest): Promise<PlayerRank> {
    const place = await this.windows.resolve(kind as WindowKind, key);
    const part = await this.metrics.timed(() => this.reader.around(place, playerId, around));
    const neighbours = part && toEntries(part.rank, part.standings);
    const me = neighbours?.find((entry) => entry.playerId === playerId);
    if (!part || !neighbours || !me) throw playerNotRanked(playerId);
    const rank: PlayerRank = {
      window: place.window.kind,
      key: place.window.key,
      ...me,
      total: part.total,
      percentile: Math.round((10_000 * (part.total - me.rank)) / part.total) / 100,
      neighbours,
    };
    return cacheable(rank, isFinal(place, key) ? 'final' : 'ask');
  }

  listSnapshots(request: ListSnapshotsRequest): Promise<ListSnapshotsResponse> {
    return this.snapshots.list(request);
  }

  getSnapshot(request: GetSnapshotRequest): Promise<SnapshotPage> {
    return this.snapshots.get(request);
  }

  async verifyLeaderboard({ window, key }: VerifyLeaderboardRequest): Promise<VerifyLeaderboardResponse> {
    return this.verifier.verify(await this.windows.resolve(window as WindowKind, key));
  }

  /** The pages stay in the window in which they began, though another one may be current by now. */
  private async placeOf({ window, key }: GetLeaderboardRequest, began: string | undefined): Promise<Place> {
    if (began === undefined) return this.windows.resolve(window as WindowKind, key);
    if (key !== undefined && began !== key) throw pageTokenInvalid();
    const place = await this.windows.named(window as WindowKind, began);
    if (!place) throw pageTokenInvalid();
    return place;
  }

  private toLeaderboard({ window }: Place, { state, total, rank, standings }: BoardPart): Leaderboard {
    const last = standings.at(-1);
    const nextRank = rank + standings.length;
    const more = last !== undefined && nextRank <= total;
    return {
      window: window.kind,
      key: window.key,
      startsAt: toTime(window.startsAt),
      endsAt: toTime(window.endsAt),
      state,
      total,
      entries: toEntries(rank, standings),
      nextPageToken: more ? this.tokens.encode(window.kind, [...toPosition(last, nextRank), window.key]) : '',
    };
  }
}

/** A closed board that the request itself names: without a key the current one is meant, which goes on. */
function isFinal({ stored }: Place, named: string | undefined): boolean {
  return stored?.state === 'closed' && named !== undefined && named !== '';
}
