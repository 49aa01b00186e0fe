import type { PlayerScore } from '../../../src/features/leaderboard/leaderboard.ranking';

/** The order that SPEC 5 demands, written apart from the code under test: by code points, not UTF-16 units. */
export function plainOrder<Player extends PlayerScore>(players: readonly Player[]): Player[] {
  return [...players].sort(
    (a, b) =>
      b.score - a.score ||
      a.achievedAt - b.achievedAt ||
      Buffer.compare(Buffer.from(a.playerId), Buffer.from(b.playerId)),
  );
}
