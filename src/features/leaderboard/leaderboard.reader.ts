import { Injectable } from '@nestjs/common';
import type { Lane } from '../../shared/db/dialect';
import { HeavyReads } from '../../shared/db/heavy-reads';
import { Boards } from './leaderboard.boards';
import type { PageEnd } from './leaderboard.entries';
import { ScoresRepository } from './leaderboard.scores.repository';
import { SnapshotsRepository } from './leaderboard.snapshots.repository';
import type { Standing } from './leaderboard.standing';
import { type Place, type StoredWindow, Windows } from './leaderboard.windows';

/** Part of a board at one moment. `rank`: that of the first; `total`: players on the whole board. */
export interface BoardPart {
  readonly state: 'open' | 'closed';
  readonly total: number;
  readonly rank: number;
  readonly standings: readonly Standing[];
}

/**
 * Reads boards: from memory where it has all of one, anything else from the database. There a page goes through the whole
 * board, so a few such reads are made at once (`HeavyReads`); of closed boards only what the final snapshot does not tell.
 */
@Injectable()
export class BoardReader {
  constructor(
    private readonly windows: Windows,
    private readonly boards: Boards,
    private readonly scores: ScoresRepository,
    private readonly snapshots: SnapshotsRepository,
    private readonly heavy: HeavyReads,
  ) {}

  /** The next `limit` players after `end`; from the top without it. @throws AppError rate_limited */
  async page({ window, stored }: Place, end: PageEnd | undefined, limit: number): Promise<BoardPart> {
    if (!stored) return { state: this.windows.isDue(window) ? 'closed' : 'open', total: 0, rank: 1, standings: [] };
    const { state } = stored;
    const ranking = await this.boards.at(stored);
    if (ranking) return { state, total: ranking.size, ...ranking.page(end?.last, limit) };
    const total = await this.totalOf(stored);
    if (total === undefined) return this.heavy.run(() => this.counted(stored, end, limit));
    const standings = await this.heavy.run(() => this.scores.closedPage(stored.id, end?.last, limit));
    return { state, total, rank: end?.nextRank ?? 1, standings };
  }

  /** The first `limit` players, for whoever needs them and asks one at a time: past the queue of those who wait. */
  async top(stored: StoredWindow, limit: number): Promise<BoardPart> {
    const ranking = await this.boards.at(stored);
    if (ranking) return { state: stored.state, total: ranking.size, ...ranking.page(undefined, limit) };
    return this.counted(stored, undefined, limit, 'loading');
  }

  /** A player between up to `each` on both sides; undefined without a score. @throws AppError rate_limited */
  async around({ stored }: Place, playerId: string, each: number): Promise<BoardPart | undefined> {
    if (!stored) return undefined;
    const { state } = stored;
    const ranking = await this.boards.at(stored);
    if (ranking) {
      const stretch = ranking.around(playerId, each);
      return stretch && { state, total: ranking.size, ...stretch };
    }
    const total = await this.totalOf(stored);
    const found = await this.heavy.run(() => this.scores.around(stored.id, playerId, each, total));
    return found && { state, total: found.total, rank: found.passed + 1, standings: found.standings };
  }

  private async counted(
    { id, state }: StoredWindow,
    end: PageEnd | undefined,
    limit: number,
    lane: Lane = 'questions',
  ): Promise<BoardPart> {
    const { total, passed, standings } = await this.scores.page(id, end?.last, limit, lane);
    return { state, total, rank: passed + 1, standings };
  }

  /** Players on a board that changes no more. */
  private async totalOf({ id, state }: StoredWindow): Promise<number | undefined> {
    return state === 'closed' ? this.snapshots.finalTotal(id) : undefined;
  }
}
