import type { AcceptedEvent } from '../../generated/aerie/events_gateway/v1/events_gateway';
import type { Entitlement } from './progression.rewards';

/** What a group of events adds to one player. */
export interface PlayerDelta {
  readonly playerId: string;
  xp: number;
  bossKills: number;
}

export interface Effects {
  readonly deltas: ReadonlyMap<string, PlayerDelta>;
  /** Rewards of first kills and drops; those that are there already have no effect. */
  readonly entitlements: readonly Entitlement[];
}

/** The rules: which events are worth what to whom. */
export function effectsOf(events: readonly AcceptedEvent[]): Effects {
  const deltas = new Map<string, PlayerDelta>();
  const entitlements: Entitlement[] = [];
  for (const event of events) {
    const { playerId } = event;
    const delta = deltas.get(playerId) ?? { playerId, xp: 0, bossKills: 0 };
    deltas.set(playerId, delta);
    delta.xp += event.points;
    const earnedAt = Date.parse(event.occurredAt);
    if (event.bossId !== undefined) {
      delta.bossKills += 1;
      entitlements.push({ playerId, rewardId: `boss-${event.bossId}`, kind: 'boss', earnedAt });
    }
    if (event.dropId !== undefined)
      entitlements.push({ playerId, rewardId: `drop-${event.dropId}`, kind: 'drop', earnedAt });
  }
  return { deltas, entitlements };
}
