/** A player earns this reward, unless it is there already. `earnedAt` in milliseconds since 1970. */
export interface Entitlement {
  readonly playerId: string;
  readonly rewardId: string;
  readonly kind: 'chest' | 'boss' | 'drop';
  readonly earnedAt: number;
}

/** A group of events adds this to one player. */
export interface PlayerDelta {
  readonly playerId: string;
  xp: number;
  bossKills: number;
  /** Drops that were not there before. */
  drops: number;
}

const chestEveryLevels = 5;

/** XP 0 is level 1. */
export function levelOf(xp: number, levelXp: number): number {
  return Math.floor(xp / levelXp) + 1;
}

/** The chests between two levels: one at each fifth level reached. */
export function chestsBetween(before: number, after: number): string[] {
  const chests: string[] = [];
  const first = (Math.floor(before / chestEveryLevels) + 1) * chestEveryLevels;
  for (let level = first; level <= after; level += chestEveryLevels) chests.push(`level-${level}`);
  return chests;
}
