import { z } from 'zod';
import type { Entry, Snapshot } from '../../generated/aerie/leaderboard/v1/leaderboard';
import { toTime } from '../../shared/clock/time';
import { name, playerId as player, wholeNumber } from '../../shared/contract/schemas';
import type { StoredSnapshot } from './leaderboard.snapshots.repository';
import type { Standing } from './leaderboard.standing';

/** Standings as the API shows them; `rank` is that of the first. */
export function toEntries(rank: number, standings: readonly Standing[]): Entry[] {
  return standings.map(({ playerId, score, achievedAt }, place) => ({
    rank: rank + place,
    playerId,
    score,
    achievedAt: toTime(achievedAt),
  }));
}

export function toSnapshot({ id, window, kind, takenAt, total }: StoredSnapshot): Snapshot {
  return { id, window: window.kind, key: window.key, kind, takenAt: toTime(takenAt), total };
}

/** Where a page ended: its last standing, and the rank of the next one, for boards that change no more. */
export interface PageEnd {
  readonly last: Standing;
  readonly nextRank: number;
}

// The last millisecond that has an RFC 3339 time.
const lastTime = 253_402_300_799_999;
const { MAX_SAFE_INTEGER: most } = Number;
const end = [wholeNumber(1, most), wholeNumber(0, lastTime), player, wholeNumber(2, most)] as const;

/** A page's end as page tokens have it; that of a board names its window, too. */
export const snapshotPosition = z.tuple(end);
export const boardPosition = z.tuple([...end, name]);

export function toPosition(
  { score, achievedAt, playerId }: Standing,
  nextRank: number,
): z.output<typeof snapshotPosition> {
  return [score, achievedAt, playerId, nextRank];
}

/** undefined for the first page. */
export function fromPosition(
  position: z.output<typeof snapshotPosition> | z.output<typeof boardPosition> | undefined,
): PageEnd | undefined {
  if (!position) return undefined;
  const [score, achievedAt, playerId, nextRank] = position;
  return { last: { score, achievedAt, playerId }, nextRank };
}
