import { z } from 'zod';
import type { PageTokens } from '../../shared/contract/page-token';
import { name, playerId as player, wholeNumber } from '../../shared/contract/schemas';
import type { WindowKind } from './leaderboard.calendar';
import type { PlayerScore } from './leaderboard.ranking';

const { MAX_SAFE_INTEGER: most } = Number;
// The last millisecond that has an RFC 3339 time.
const lastTime = 253_402_300_799_999;

/** The parts of a page's end: its last score, and the rank of the next one, for boards that change no more. */
export const pageEnd = [wholeNumber(1, most), wholeNumber(0, lastTime), player, wholeNumber(2, most)] as const;
/** The window's key is in it, too: its pages stay in the window in which they began. */
const boardEnd = z.tuple([...pageEnd, name]);

/** The page tokens of boards. Every process of a deployment makes and reads the same. */
export class BoardTokens {
  private readonly tokens;

  constructor(pageTokens: PageTokens) {
    this.tokens = pageTokens.of('leaderboard', boardEnd);
  }

  /** Undefined for the first page. @throws AppError page_token_invalid */
  decode(window: string, token: string | undefined): z.output<typeof boardEnd> | undefined {
    return this.tokens.decode(window, token);
  }

  /** Of the page behind this score. */
  encode(window: WindowKind, key: string, { score, achievedAt, playerId }: PlayerScore, nextRank: number): string {
    return this.tokens.encode(window, [score, achievedAt, playerId, nextRank, key]);
  }
}
