import { Injectable } from '@nestjs/common';
import type {
  GetSnapshotRequest,
  ListSnapshotsRequest,
  ListSnapshotsResponse,
  SnapshotPage,
} from '../../generated/aerie/leaderboard/v1/leaderboard';
import { PageTokens } from '../../shared/rpc/page-token';
import type { WindowKind } from './leaderboard.calendar';
import { fromPosition, type PageEnd, toEntries, toPosition, toSnapshot } from './leaderboard.entries';
import { snapshotNotFound } from './leaderboard.errors';
import { BoardReader } from './leaderboard.reader';
import { SnapshotsRepository, type StoredSnapshot } from './leaderboard.snapshots.repository';
import type { Standing } from './leaderboard.standing';
import { Windows } from './leaderboard.windows';

const listTokens = new PageTokens('leaderboard-snapshots');
const entryTokens = new PageTokens('leaderboard-snapshot');
const defaultPageSize = 20;
const defaultLimit = 10;

/** Boards as they were. */
@Injectable()
export class SnapshotReader {
  constructor(
    private readonly snapshots: SnapshotsRepository,
    private readonly boards: BoardReader,
    private readonly windows: Windows,
  ) {}

  async list(request: ListSnapshotsRequest): Promise<ListSnapshotsResponse> {
    const { window, key, kind, pageSize = defaultPageSize, pageToken } = request;
    if (window !== undefined && key !== undefined) await this.windows.resolve(window as WindowKind, key);
    const filter = [window ?? null, key ?? null, kind ?? null];
    const before = Number(listTokens.decode(filter, pageToken)?.[0] ?? Number.MAX_SAFE_INTEGER);
    const found = await this.snapshots.list({ window, key, kind }, before, pageSize + 1);
    const { page, nextPageToken } = listTokens.cut(filter, found, pageSize, ({ seq }) => [seq]);
    return { snapshots: page.map(toSnapshot), nextPageToken };
  }

  /** @throws AppError snapshot_not_found */
  async get({ id, limit = defaultLimit, pageToken }: GetSnapshotRequest): Promise<SnapshotPage> {
    const end = fromPosition(entryTokens.decode([id], pageToken));
    const snapshot = await this.snapshots.find(id);
    if (!snapshot) throw snapshotNotFound(id);
    const found = await this.standings(snapshot, end, limit + 1);
    const rank = end?.nextRank ?? 1;
    const { page, nextPageToken } = entryTokens.cut([id], found, limit, (last) => toPosition(last, rank + limit));
    return { snapshot: toSnapshot(snapshot), entries: toEntries(rank, page), nextPageToken };
  }

  private async standings(
    snapshot: StoredSnapshot,
    end: PageEnd | undefined,
    limit: number,
  ): Promise<readonly Standing[]> {
    // The window has changed no more since its final snapshot.
    if (snapshot.kind === 'final') {
      const stored = await this.windows.find(snapshot.window.kind, snapshot.window.key);
      return (await this.boards.page({ window: snapshot.window, stored }, end?.last, limit)).standings;
    }
    return this.snapshots.entries(snapshot.id, (end?.nextRank ?? 1) - 1, limit);
  }
}
