import { Injectable } from '@nestjs/common';
import { Boards } from './leaderboard.boards';
import type { PageEnd } from './leaderboard.entries';
import { ScoresRepository } from './leaderboard.scores.repository';
import type { Standing } from './leaderboard.standing';
import { type Place, Windows } from './leaderboard.windows';

/** Part of a board at one moment. `rank`: that of the first; `total`: players on the whole board. */
export interface BoardPart {
  readonly state: 'open' | 'closed';
  readonly total: number;
  readonly rank: number;
  readonly standings: readonly Standing[];
}

/** Reads boards: from memory where it has all of one, anything else from the database. */
@Injectable()
export class BoardReader {
  constructor(
    private readonly windows: Windows,
    private readonly boards: Boards,
    private readonly scores: ScoresRepository,
  ) {}

  /** The next `limit` players after `end`; from the top without it. */
  async page({ window, stored }: Place, end: PageEnd | undefined, limit: number): Promise<BoardPart> {
    if (!stored) return { state: this.windows.isDue(window) ? 'closed' : 'open', total: 0, rank: 1, standings: [] };
    const { state } = stored;
    const ranking = await this.boards.at(stored);
    if (ranking) return { state, total: ranking.size, ...ranking.page(end?.last, limit) };
    const { total, passed, standings } = await this.scores.page(stored.id, end?.last, limit);
    return { state, total, rank: passed + 1, standings };
  }

  /** A player between up to `each` on both sides; undefined without a score. */
  async around({ stored }: Place, playerId: string, each: number): Promise<BoardPart | undefined> {
    if (!stored) return undefined;
    const { state } = stored;
    const ranking = await this.boards.at(stored);
    if (ranking) {
      const stretch = ranking.around(playerId, each);
      return stretch && { state, total: ranking.size, ...stretch };
    }
    const found = await this.scores.around(stored.id, playerId, each);
    return found && { state, total: found.total, rank: found.passed + 1, standings: found.standings };
  }
}
