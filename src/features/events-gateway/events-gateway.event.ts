import type { AcceptedEvent } from '../../generated/aerie/events_gateway/v1/events_gateway';
import { toTime } from '../../shared/clock/time';
import type { Trace } from '../../shared/tracing/trace';
import type { JournalEvent } from './events-gateway.events';

/** An event that has passed every check, as the journal keeps it. Times in milliseconds since 1970. */
export interface GameEvent extends Trace {
  readonly id: string;
  readonly type: string;
  readonly playerId: string;
  readonly occurredAt: number;
  readonly acceptedAt: number;
  /** The payload in canonical JSON: known properties only, in one order. */
  readonly payload: string;
  /** The value of the event, so that consumers need no game rules. */
  readonly points: number;
  readonly bossId?: string;
  readonly dropId?: string;
}

type Subject = Pick<GameEvent, 'bossId' | 'dropId'>;

/** The subject of a payload, for rewards. */
export function subjectOf(payload: Subject): Subject {
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

// Field by field: to copy an object with a rest or a spread takes several times as long, and each event is copied on its
// way to each consumer.

/** The event as the bus carries it, with its number in the log and the one before. */
export function toJournalEvent(event: GameEvent, seq: number): JournalEvent {
  const { id, type, playerId, occurredAt, acceptedAt, points, traceId, spanId, bossId, dropId } = event;
  const named = { id, type, playerId, occurredAt, acceptedAt, points, traceId, seq, afterSeq: seq - 1 };
  const journaled = spanId === undefined ? named : { ...named, spanId };
  if (bossId !== undefined) return { ...journaled, bossId };
  return dropId === undefined ? journaled : { ...journaled, dropId };
}

/** The event as it is read from the log. */
export function toAcceptedEvent(event: GameEvent, seq: number, { bossId, dropId }: Subject): AcceptedEvent {
  const { id, type, playerId, points, traceId, spanId } = event;
  const [occurredAt, acceptedAt] = [toTime(event.occurredAt), toTime(event.acceptedAt)];
  return { seq, id, type, playerId, occurredAt, acceptedAt, points, bossId, dropId, traceId, spanId };
}
