import { Injectable } from '@nestjs/common';
import type { VerifyLeaderboardResponse } from '../../generated/aerie/leaderboard/v1/leaderboard';
import { HeavyReads } from '../../shared/db/heavy-reads';
import type { Board } from './leaderboard.board';
import { Boards } from './leaderboard.boards';
import { ScoresRepository } from './leaderboard.scores.repository';
import type { Standing } from './leaderboard.standing';
import type { Place } from './leaderboard.windows';

const partSize = 1000;

interface Comparison {
  checked: number;
  differing: number;
  repaired: number;
}

/** Compares boards in memory with the database, which is right, and repairs them. */
@Injectable()
export class Verifier {
  constructor(
    private readonly boards: Boards,
    private readonly scores: ScoresRepository,
    private readonly heavy: HeavyReads,
  ) {}

  /**
   * Windows that are not in memory are answered from the database, so there is nothing to compare.
   * @throws AppError rate_limited
   */
  verify(place: Place): Promise<VerifyLeaderboardResponse> {
    return this.heavy.run(() => this.compare(place));
  }

  private async compare({ stored }: Place): Promise<Comparison> {
    const result: Comparison = { checked: 0, differing: 0, repaired: 0 };
    const board = stored && (await this.boards.loaded(stored));
    if (!stored || !board) return result;
    await this.throughDatabase(stored.id, board, result);
    if (board.ranking.size > result.checked) await this.throughMemory(stored.id, board, result);
    return result;
  }

  private async throughDatabase(windowId: number, board: Board, result: Comparison): Promise<void> {
    for (let last: string | undefined = ''; last !== undefined; ) {
      const after = last;
      last = await this.boards.exclusively(async () => {
        const rows = await this.scores.byPlayer(windowId, after, partSize);
        for (const { revision, ...standing } of rows) {
          result.checked += 1;
          // What another process has just changed is on its way.
          if (board.has(revision) && !same(board.ranking.get(standing.playerId), standing))
            repair(board, standing.playerId, standing, result);
        }
        return rows.length === partSize ? rows.at(-1)?.playerId : undefined;
      });
    }
  }

  /** Who is in memory only. */
  private async throughMemory(windowId: number, board: Board, result: Comparison): Promise<void> {
    for (let last: Standing | undefined, more = true; more; ) {
      const after = last;
      await this.boards.exclusively(async () => {
        const { standings } = board.ranking.page(after, partSize);
        const known = await this.scores.of(
          windowId,
          standings.map(({ playerId }) => playerId),
        );
        const there = new Set(known.map(({ playerId }) => playerId));
        for (const { playerId } of standings) if (!there.has(playerId)) repair(board, playerId, undefined, result);
        last = standings.at(-1);
        more = standings.length === partSize;
      });
    }
  }
}

function same(a: Standing | undefined, b: Standing): boolean {
  return a !== undefined && a.score === b.score && a.achievedAt === b.achievedAt;
}

function repair(board: Board, playerId: string, right: Standing | undefined, result: Comparison): void {
  result.differing += 1;
  board.ranking.set(playerId, right);
  result.repaired += 1;
}
