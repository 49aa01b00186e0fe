import type { VerifyLeaderboardResponse } from '../../generated/aerie/leaderboard/v1/leaderboard';
import type { PlayerScore, RankedScores } from './leaderboard.ranking';
import type { Change, StoredWindow } from './leaderboard.repository';

/** Part of a board, with the number of players on all of it. */
export interface IndexedScores extends RankedScores {
  readonly total: number;
}

/**
 * Boards in their order, so that a rank is one read. It may be lost at any instant, since the database has everything: then
 * it is made again while the database answers. What it answers has all that the database had when the window was read.
 */
export abstract class LeaderboardIndex {
  /**
   * The next `limit` players after `after`, who need not be on the board any more; from the top without it. Undefined when
   * this board is not there, or not yet.
   */
  abstract page(
    window: StoredWindow,
    after: PlayerScore | undefined,
    limit: number,
  ): Promise<IndexedScores | undefined>;
  /** A player between up to `each` on both sides; `unranked` without a score, undefined as for `page`. */
  abstract around(
    window: StoredWindow,
    playerId: string,
    each: number,
  ): Promise<IndexedScores | 'unranked' | undefined>;
  /** Compares the board with the database, which is right, and repairs it; undefined when it is not there. */
  abstract verify(window: StoredWindow): Promise<VerifyLeaderboardResponse | undefined>;
  /** Runs `work` while nothing else of this process that uses this does: a COMMIT and its `applied`, a comparison. */
  abstract exclusively<T>(work: () => Promise<T>): Promise<T>;
  /** To be called only after the COMMIT. */
  abstract applied(windowId: number, change: Change): void;
  /** After a COMMIT whose outcome is unknown: what is here may lack it. */
  abstract forgetAll(): void;
  /** Keeps the boards of these windows, which are open, and of those that ended last. */
  abstract retain(open: readonly StoredWindow[]): void;
  /** Resolves when nothing is being read any more. */
  abstract close(): Promise<void>;
}

/** True for windows that are open, or ended less than their own length ago: whose boards are kept in order. */
export function isKept({ state, startsAt, endsAt }: StoredWindow, now: number): boolean {
  return state === 'open' || now < endsAt + (endsAt - startsAt);
}
