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
import { pageTokenInvalid } from '../../shared/errors/common.errors';
import { PageTokens } from '../../shared/rpc/page-token';
import type { WindowKind } from './leaderboard.calendar';
import { fromPosition, toEntries, toPosition } from './leaderboard.entries';
import { playerNotRanked } from './leaderboard.errors';
import { LeaderboardMetrics } from './leaderboard.metrics';
import { BoardReader } from './leaderboard.reader';
import { SnapshotReader } from './leaderboard.snapshot-reader';
import { Verifier } from './leaderboard.verifier';
import { Windows } from './leaderboard.windows';

const tokens = new PageTokens('leaderboard');
const defaultLimit = 10;
const defaultAround = 5;

@Injectable()
export class LeaderboardService implements Omit<Proto, 'watchLeaderboard'> {
  constructor(
    private readonly windows: Windows,
    private readonly reader: BoardReader,
    private readonly snapshots: SnapshotReader,
    private readonly verifier: Verifier,
    private readonly metrics: LeaderboardMetrics,
  ) {}

  async getLeaderboard(request: GetLeaderboardRequest): Promise<Leaderboard> {
    const { limit = defaultLimit, pageToken } = request;
    const position = tokens.decode(request.window, pageToken);
    // The pages stay in the window in which they began, though another one may be current by now.
    const began = position && String(position[4]);
    if (began !== undefined && request.key !== undefined && began !== request.key) throw pageTokenInvalid();
    const place = await this.windows.resolve(request.window as WindowKind, began ?? request.key);
    const { window } = place;
    const { state, total, rank, standings } = await this.metrics.timed(() =>
      this.reader.page(place, fromPosition(position)?.last, limit),
    );
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
      nextPageToken: more ? tokens.encode(request.window, [...toPosition(last, nextRank), window.key]) : '',
    };
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
    return {
      window: place.window.kind,
      key: place.window.key,
      ...me,
      total: part.total,
      percentile: Math.round((10_000 * (part.total - me.rank)) / part.total) / 100,
      neighbours,
    };
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
}
