import type { AcceptedEvent } from '../../generated/aerie/events_gateway/v1/events_gateway';
import { dueAt, type Window, type WindowKind } from './leaderboard.calendar';
import type { Standing } from './leaderboard.standing';

/** An event with the windows that it counts for, and those for which it came too late. */
export interface PlacedEvent {
  readonly event: AcceptedEvent;
  readonly achievedAt: number;
  readonly windows: readonly Window[];
  readonly missed: readonly Window[];
}

/** What a group of events adds to the boards of one window, by player. */
export interface WindowDelta {
  readonly kind: WindowKind;
  events: number;
  readonly players: Map<string, Standing>;
}

/**
 * Which windows an event counts for: those that it happened in and that were not due when it was accepted. So a score
 * does not depend on when consumers come round to it.
 */
export function place(event: AcceptedEvent, windowsAt: (instant: number) => readonly Window[]): PlacedEvent {
  const achievedAt = Date.parse(event.occurredAt);
  const acceptedAt = Date.parse(event.acceptedAt);
  const all = windowsAt(achievedAt);
  const windows = all.filter((window) => acceptedAt < dueAt(window));
  return { event, achievedAt, windows, missed: all.filter((window) => !windows.includes(window)) };
}

/** The sums of a group of events, by the window's id. `ids` has every window that they count for, by name. */
export function deltasOf(events: readonly PlacedEvent[], ids: ReadonlyMap<string, number>): Map<number, WindowDelta> {
  const deltas = new Map<number, WindowDelta>();
  for (const { event, achievedAt, windows } of events) {
    for (const { kind, name } of windows) {
      const id = ids.get(name);
      if (id === undefined) throw new Error(`Nobody has looked up ${name}`);
      const delta = deltas.get(id) ?? { kind, events: 0, players: new Map<string, Standing>() };
      deltas.set(id, delta);
      delta.events += 1;
      const before = delta.players.get(event.playerId);
      delta.players.set(event.playerId, {
        playerId: event.playerId,
        score: (before?.score ?? 0) + event.points,
        achievedAt: Math.max(before?.achievedAt ?? 0, achievedAt),
      });
    }
  }
  return deltas;
}
