import { ulid } from 'ulid';

/** XP that was earned: 1 to 1,000,000. */
export interface ProgressionEvent {
  readonly type: 'progression';
  readonly payload: { readonly deltaXp: number; readonly activity?: string };
}

/** A boss that fell: tier 1 to 10, points 1 to 1,000,000. */
export interface BossKillEvent {
  readonly type: 'boss_kill';
  readonly payload: { readonly bossId: string; readonly tier: number; readonly points: number };
}

/** A drop that was picked up: weight 1 to 100, worth 100 points each. */
export interface DropClaimedEvent {
  readonly type: 'drop_claimed';
  readonly payload: { readonly dropId: string; readonly weight: number; readonly source?: string };
}

/**
 * An event of a game. `id` makes sending it again safe: the same id counts once; without one each sending is an
 * event of its own. `occurredAt` is RFC 3339, at most 7 days old; now unless told.
 */
export type GameEvent = (ProgressionEvent | BossKillEvent | DropClaimedEvent) & {
  readonly id?: string;
  readonly playerId: string;
  readonly occurredAt?: string;
};

/** The event with an id and a time, so that it stays the same event when it is sent again. */
export function complete(event: GameEvent): GameEvent & { readonly id: string; readonly occurredAt: string } {
  return { ...event, id: event.id ?? ulid(), occurredAt: event.occurredAt ?? new Date().toISOString() };
}
