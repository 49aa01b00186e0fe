import type { VerifyLeaderboardResponse } from '../../generated/aerie/leaderboard/v1/leaderboard';
import type { LeaderboardIndex } from './leaderboard.index';
import type { PlayerScore, Ranking } from './leaderboard.ranking';
import type { LeaderboardRepository, StoredWindow } from './leaderboard.repository';

const partSize = 1000;

/** A board in memory. */
interface RankedBoard {
  readonly window: StoredWindow;
  readonly ranking: Ranking;
  has(revision: number): boolean;
}

/** One comparison of a board in memory with the database, which is right, and the repair of what differs. */
export class LeaderboardVerifier {
  private checked = 0;
  private differing = 0;

  constructor(
    private readonly board: RankedBoard,
    private readonly boards: Pick<LeaderboardIndex, 'exclusively'>,
    private readonly repository: LeaderboardRepository,
  ) {}

  /** @throws AppError unavailable */
  async verify(): Promise<VerifyLeaderboardResponse> {
    for (let last: string | undefined = ''; last !== undefined; ) {
      const after: string = last;
      last = await this.boards.exclusively(() => this.compareStored(after));
    }
    // With more players in memory than were checked, some are not in the database.
    let more = this.board.ranking.size > this.checked;
    for (let last: PlayerScore | undefined; more; ) {
      const after: PlayerScore | undefined = last;
      last = await this.boards.exclusively(() => this.compareRanked(after));
      more = last !== undefined;
    }
    return { checked: this.checked, differing: this.differing, repaired: this.differing };
  }

  /** Looks for the next stored scores in memory. Returns the last player id where more follow. */
  private async compareStored(after: string): Promise<string | undefined> {
    const { board } = this;
    const rows = await this.repository.byPlayer(board.window.id, after, partSize);
    for (const { revision, playerId, score, achievedAt } of rows) {
      this.checked += 1;
      const ranked = board.ranking.get(playerId);
      // A change of another process is on its way.
      if (board.has(revision) && !(ranked?.score === score && ranked.achievedAt === achievedAt))
        this.repair(playerId, { playerId, score, achievedAt });
    }
    return rows.length === partSize ? rows.at(-1)?.playerId : undefined;
  }

  /** Looks for the next ranked players in the database. Returns the last one where more follow. */
  private async compareRanked(after: PlayerScore | undefined): Promise<PlayerScore | undefined> {
    const { scores } = this.board.ranking.page(after, partSize);
    const playerIds = scores.map(({ playerId }) => playerId);
    const stored = await this.repository.of(this.board.window.id, playerIds);
    const known = new Set(stored.map(({ playerId }) => playerId));
    for (const playerId of playerIds) if (!known.has(playerId)) this.repair(playerId, undefined);
    return scores.length === partSize ? scores.at(-1) : undefined;
  }

  private repair(playerId: string, right: PlayerScore | undefined): void {
    this.differing += 1;
    this.board.ranking.set(playerId, right);
  }
}
