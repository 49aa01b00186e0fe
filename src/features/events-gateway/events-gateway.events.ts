import type { AcceptedEvent } from '../../generated/aerie/events_gateway/v1/events_gateway';
import { absentOrText, body, text, whole } from '../../shared/bus/body';
import type { Topic } from '../../shared/bus/bus';
import type { LogEvent } from '../../shared/log/log';

/** An event of the journal, as consumers take it. Times in milliseconds since 1970. */
export interface JournalEvent extends LogEvent {
  readonly type: string;
  readonly playerId: string;
  readonly occurredAt: number;
  /** The value of the event, so that consumers need no game rules. */
  readonly points: number;
  readonly bossId?: string;
  readonly dropId?: string;
  readonly traceId: string;
}

/** What was just accepted; keyed by player. */
export const acceptedEvents: Topic<JournalEvent> = {
  name: 'accepted-events',
  schema: body({
    seq: whole,
    afterSeq: whole,
    id: text,
    type: text,
    playerId: text,
    occurredAt: whole,
    acceptedAt: whole,
    points: whole,
    bossId: absentOrText,
    dropId: absentOrText,
    traceId: text,
    spanId: absentOrText,
  }),
};

/** The event as a consumer takes it; `afterSeq`: the number of the event before it. */
export function fromWire(event: AcceptedEvent, afterSeq: number): JournalEvent {
  const { seq, id, type, playerId, points, traceId, spanId, fault } = event;
  const [occurredAt, acceptedAt] = [Date.parse(event.occurredAt), Date.parse(event.acceptedAt)];
  const named = { seq, afterSeq, id, type, playerId, occurredAt, acceptedAt, points, traceId };
  const journaled = spanId === undefined ? named : { ...named, spanId };
  if (fault !== undefined) return { ...journaled, fault };
  if (event.bossId !== undefined) return { ...journaled, bossId: event.bossId };
  return event.dropId === undefined ? journaled : { ...journaled, dropId: event.dropId };
}
