import type { AcceptedEvent } from '../../generated/aerie/events_gateway/v1/events_gateway';
import { toTime } from '../../shared/clock/time';
import type { JournalEvent } from './events-gateway.events';

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

/** The subject of a payload, for rewards. */
export function subjectOf(payload: { bossId?: string; dropId?: string }): { bossId?: string; dropId?: string } {
  if (payload.bossId !== undefined) return { bossId: payload.bossId };
  return payload.dropId === undefined ? {} : { dropId: payload.dropId };
}

/** True when two events with one id are the same event, however they were spelled. */
export function sameEvent(a: GameEvent, b: GameEvent): boolean {
  return a.type === b.type && a.playerId === b.playerId && a.occurredAt === b.occurredAt && a.payload === b.payload;
}

/** True when the one is the other's row: accepted by the same request. */
export function sameRecord(a: GameEvent, b: GameEvent): boolean {
  return sameEvent(a, b) && a.acceptedAt === b.acceptedAt && a.traceId === b.traceId;
}

/** The event as the bus carries it, with its number in the log and the one before. */
export function toJournalEvent(event: GameEvent, seq: number): JournalEvent {
  const { payload: _, ...rest } = event;
  return { ...rest, seq, afterSeq: seq - 1 };
}

/** The event as it is read from the log. */
export function toAcceptedEvent(
  { payload: _, occurredAt, acceptedAt, ...event }: GameEvent,
  seq: number,
): AcceptedEvent {
  return { ...event, seq, occurredAt: toTime(occurredAt), acceptedAt: toTime(acceptedAt) };
}
