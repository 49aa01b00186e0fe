import type { Entry, Snapshot } from '../../generated/aerie/leaderboard/v1/leaderboard';
import { toTime } from '../../shared/clock/time';
import type { Position } from '../../shared/rpc/page-token';
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

/** Where a page ended. */
export interface PageEnd {
  readonly last: Standing;
  /** The rank of the next one, for boards that change no more. */
  readonly nextRank: number;
}

export function toPosition({ score, achievedAt, playerId }: Standing, nextRank: number): Position {
  return [score, achievedAt, playerId, nextRank];
}

/** undefined for the first page. */
export function fromPosition(position: Position | undefined): PageEnd | undefined {
  if (!position) return undefined;
  const [score, achievedAt, playerId, nextRank] = position;
  const last = { score: Number(score), achievedAt: Number(achievedAt), playerId: String(playerId) };
  return { last, nextRank: Number(nextRank) };
}
