import { Injectable } from '@nestjs/common';
import type {
  GetSnapshotRequest,
  ListSnapshotsRequest,
  ListSnapshotsResponse,
  SnapshotPage,
} from '../../generated/aerie/leaderboard/v1/leaderboard';
import { cacheable } from '../../shared/contract/answer';
import { PageTokens, rowNumber } from '../../shared/contract/page-token';
import { HeavyReads } from '../../shared/db/heavy-reads';
import { pageTokenInvalid } from '../../shared/errors/common.errors';
import type { WindowKind } from './leaderboard.calendar';
import { fromPosition, type PageEnd, snapshotPosition, toEntries, toPosition, toSnapshot } from './leaderboard.entries';
import { snapshotNotFound } from './leaderboard.errors';
import { BoardReader } from './leaderboard.reader';
import { SnapshotsRepository, type StoredSnapshot } from './leaderboard.snapshots.repository';
import type { Standing } from './leaderboard.standing';
import { Windows } from './leaderboard.windows';

const defaultPageSize = 20;
const defaultLimit = 10;

/** Boards as they were. */
@Injectable()
export class SnapshotReader {
  private readonly listTokens;
  private readonly entryTokens;

  constructor(
    private readonly snapshots: SnapshotsRepository,
    private readonly boards: BoardReader,
    private readonly windows: Windows,
    private readonly heavy: HeavyReads,
    pageTokens: PageTokens,
  ) {
    this.listTokens = pageTokens.of('leaderboard-snapshots', rowNumber);
    this.entryTokens = pageTokens.of('leaderboard-snapshot', snapshotPosition);
  }

  /** @throws AppError rate_limited */
  async list(request: ListSnapshotsRequest): Promise<ListSnapshotsResponse> {
    const { window, key, kind, pageSize = defaultPageSize, pageToken } = request;
    if (window !== undefined && key !== undefined) await this.windows.resolve(window as WindowKind, key);
    const filter = [window ?? null, key ?? null, kind ?? null];
    const [before = Number.MAX_SAFE_INTEGER] = this.listTokens.decode(filter, pageToken) ?? [];
    const look = (): Promise<StoredSnapshot[]> => this.snapshots.list({ window, key, kind }, before, pageSize + 1);
    // Those that are wanted may be far behind very many others.
    const found = await (filter.some((one) => one !== null) ? this.heavy.run(look) : look());
    const { page, nextPageToken } = this.listTokens.cut(filter, found, pageSize, ({ seq }) => [seq]);
    return cacheable({ snapshots: page.map(toSnapshot), nextPageToken }, 'ask');
  }

  /** @throws AppError snapshot_not_found, rate_limited */
  async get({ id, limit = defaultLimit, pageToken }: GetSnapshotRequest): Promise<SnapshotPage> {
    const end = fromPosition(this.entryTokens.decode([id], pageToken));
    const snapshot = await this.snapshots.find(id);
    if (!snapshot) throw snapshotNotFound(id);
    if (end && end.nextRank > snapshot.total) throw pageTokenInvalid();
    const found = await this.standings(snapshot, end, limit + 1);
    const rank = end?.nextRank ?? 1;
    const { page, nextPageToken } = this.entryTokens.cut([id], found, limit, (last) => toPosition(last, rank + limit));
    return cacheable({ snapshot: toSnapshot(snapshot), entries: toEntries(rank, page), nextPageToken }, 'final');
  }

  private async standings(
    snapshot: StoredSnapshot,
    end: PageEnd | undefined,
    limit: number,
  ): Promise<readonly Standing[]> {
    // The window has changed no more since its final snapshot.
    if (snapshot.kind === 'final') {
      const stored = await this.windows.find(snapshot.window.kind, snapshot.window.key);
      return (await this.boards.page({ window: snapshot.window, stored }, end, limit)).standings;
    }
    return this.snapshots.entries(snapshot.id, (end?.nextRank ?? 1) - 1, limit);
  }
}
