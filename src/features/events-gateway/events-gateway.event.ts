import type { AcceptedEvent } from '../../generated/aerie/events_gateway/v1/events_gateway';
import { toTime } from '../../shared/clock/time';

/** An event that has passed every check, as the journal keeps it. Times in milliseconds since 1970. */
export interface GameEvent {
  readonly id: string;
  readonly type: string;
  readonly playerId: string;
  readonly occurredAt: number;
  readonly acceptedAt: number;
  /** The payload in canonical JSON: known properties only, in one order. */
  readonly payload: string;
  /** The value of the event, so that consumers need no game rules. */
  readonly points: number;
  readonly traceId: string;
  readonly bossId?: string;
  readonly dropId?: string;
}

/** A row of the journal whose payload is no JSON. */
export interface UnreadableEvent {
  readonly id: string;
  readonly error: unknown;
}

/** The subject of a payload, for rewards. */
export function subjectOf(payload: { bossId?: string; dropId?: string }): { bossId?: string; dropId?: string } {
  if (payload.bossId !== undefined) return { bossId: payload.bossId };
  return payload.dropId === undefined ? {} : { dropId: payload.dropId };
}

/** True when two events with one id are the same event, however they were spelled. */
export function sameEvent(a: GameEvent, b: GameEvent): boolean {
  return a.type === b.type && a.playerId === b.playerId && a.occurredAt === b.occurredAt && a.payload === b.payload;
}

/** The event as consumers get it. */
export function toAcceptedEvent(event: GameEvent): AcceptedEvent {
  return {
    id: event.id,
    type: event.type,
    playerId: event.playerId,
    occurredAt: toTime(event.occurredAt),
    acceptedAt: toTime(event.acceptedAt),
    points: event.points,
    ...(event.bossId === undefined ? {} : { bossId: event.bossId }),
    ...(event.dropId === undefined ? {} : { dropId: event.dropId }),
    traceId: event.traceId,
  };
}
