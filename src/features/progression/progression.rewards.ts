import type { Reward } from '../../generated/aerie/progression/v1/progression';
import { toTime } from '../../shared/clock/time';

export type RewardKind = 'chest' | 'boss' | 'drop';

/** What an effect entitles a player to. Times in milliseconds since 1970. */
export interface Entitlement {
  readonly playerId: string;
  readonly rewardId: string;
  readonly kind: RewardKind;
  readonly earnedAt: number;
}

export interface StoredReward extends Entitlement {
  readonly seq: number;
  readonly status: 'available' | 'claimed';
  readonly claimedAt: number | null;
  readonly receipt: string | null;
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

export function toReward(stored: StoredReward): Reward {
  const { rewardId, playerId, kind, status, earnedAt, claimedAt } = stored;
  return {
    rewardId,
    playerId,
    kind,
    status,
    earnedAt: toTime(earnedAt),
    ...(claimedAt === null ? {} : { claimedAt: toTime(claimedAt) }),
  };
}
