/** A player's place in a window. `achievedAt`: the latest event that counted, milliseconds since 1970. */
export interface Standing {
  readonly playerId: string;
  readonly score: number;
  readonly achievedAt: number;
}

/** The one order of every board: higher score, then who had it earlier, then player id by code points. */
export function compareStandings(a: Standing, b: Standing): number {
  if (a.score !== b.score) return b.score - a.score;
  if (a.achievedAt !== b.achievedAt) return a.achievedAt - b.achievedAt;
  // Player ids are ASCII, where UTF-16 and code points agree.
  if (a.playerId === b.playerId) return 0;
  return a.playerId < b.playerId ? -1 : 1;
}
