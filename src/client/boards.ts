import { setTimeout as delay } from 'node:timers/promises';
import type { Leaderboard } from '../generated/aerie/leaderboard/v1/leaderboard';
import { AppError } from '../shared/errors/app-error';
import type { Session } from './command-line';
import { table } from './table';

interface BoardOptions {
  readonly window: string;
  readonly key?: string;
  readonly limit: number;
  /** Show this player's neighbours instead of the top. */
  readonly around?: string;
  /** Print the board again whenever it changes, until stopped. */
  readonly watch?: true;
}

const waitMs = 1000;
const columns = { rank: 'rank', player: 'playerId', score: 'score', since: 'achievedAt' } as const;
const clearScreen = '\u001b[2J\u001b[H';

/** A leaderboard, or a player's place on it. */
export async function leaderboard(session: Session, options: BoardOptions): Promise<number> {
  const { window, key, limit, around } = options;
  const { client, print } = session;
  if (around !== undefined) {
    const found = await client.leaderboard.getPlayerRank({ playerId: around, window, key, around: undefined });
    const { rank, total, percentile, neighbours } = found;
    print(found, [
      `${around} is number ${rank} of ${total} in ${window} ${found.key}, ahead of ${percentile} %`,
      '',
      ...table(columns, neighbours),
    ]);
    return 0;
  }
  if (options.watch) return watch(session, options);
  const board = await client.leaderboard.getLeaderboard({ window, key, limit });
  print(board, linesOf(board));
  return 0;
}

/** Goes on when the server is back: a restart ends the stream. */
async function watch(session: Session, options: BoardOptions): Promise<number> {
  for (let seen = false; ; ) {
    try {
      await watchOnce(session, options, () => {
        seen = true;
      });
    } catch (error) {
      if (!seen || !(error instanceof AppError && error.kind === 'unavailable')) throw error;
      session.say('The server does not answer; waiting for it ...');
      await delay(waitMs);
    }
  }
}

async function watchOnce(
  { client, print, say }: Session,
  { window, key, limit }: BoardOptions,
  seen: () => void,
): Promise<void> {
  const screen = process.stdout.isTTY === true;
  for await (const board of client.watchLeaderboard({ window, key, limit })) {
    seen();
    if (screen) say(clearScreen);
    print(board, [...linesOf(board), '']);
  }
}

/** A board as a table under its name. */
export function linesOf({ window, key, state, total, entries }: Leaderboard): string[] {
  const title = `${window} ${key}, ${state}, ${total} ${total === 1 ? 'player' : 'players'}`;
  return entries.length === 0 ? [title] : [title, '', ...table(columns, entries)];
}
