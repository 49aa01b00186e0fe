import { randomInt, randomUUID } from 'node:crypto';
import type { BossKillEvent, DropClaimedEvent, GameEvent, ProgressionEvent } from '../../src/client/game-event';

export type WholeEvent = GameEvent & { readonly id: string; readonly occurredAt: string };

// Less than what a leaderboard waits after its end, so that all of them count.
const recentMs = 5 * 60 * 1000;

/** A valid event of any type, five minutes old at most, of one of `players` players. */
export function randomEvent(players = 10): WholeEvent {
  return {
    ...body(),
    id: randomUUID(),
    playerId: `player-${randomInt(players)}`,
    occurredAt: new Date(Date.now() - randomInt(recentMs)).toISOString(),
  };
}

export function randomEvents(count: number, players = 10): WholeEvent[] {
  return Array.from({ length: count }, () => randomEvent(players));
}

/** What an event is worth, reckoned apart from the code under test. */
export function pointsOf(event: GameEvent): number {
  if (event.type === 'progression') return event.payload.deltaXp;
  return event.type === 'boss_kill' ? event.payload.points : event.payload.weight * 100;
}

function body(): ProgressionEvent | BossKillEvent | DropClaimedEvent {
  const kind = randomInt(3);
  if (kind === 0) return { type: 'progression', payload: { deltaXp: randomInt(1, 1000), activity: 'quest' } };
  if (kind === 1)
    return {
      type: 'boss_kill',
      payload: { bossId: `boss-${randomInt(8)}`, tier: randomInt(1, 11), points: randomInt(1, 5000) },
    };
  return {
    type: 'drop_claimed',
    payload: { dropId: `drop-${randomUUID()}`, weight: randomInt(1, 101), source: 'chest' },
  };
}
