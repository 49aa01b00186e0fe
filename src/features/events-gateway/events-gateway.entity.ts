import { type RowOf, table } from '../../shared/db/entity';
import { inboxEntity, outboxEntity } from '../../shared/outbox/outbox.entity';

/**
 * Accepted events, numbered in the order of their COMMITs. The key is that number: inserting random text in key order costs
 * three times as much.
 */
export const gameEventsTable = table('game_events', (column) => ({
  columns: {
    seq: column.number(),
    id: column.text(255, { madeWith: 128 }),
    type: column.text(32),
    playerId: column.text(128, { madeWith: 64 }),
    occurredAt: column.bigint(),
    acceptedAt: column.bigint(),
    payload: column.longText(),
    points: column.bigint(),
    traceId: column.text(64),
  },
  primary: ['seq'],
  unique: { game_events_id: ['id'] },
}));

/** One row, with the last number that servers have given out; SQLite counts by itself. */
export const logTable = table('events_log', (column) => ({
  columns: { id: column.integer(), lastSeq: column.bigint() },
  primary: ['id'],
}));

/** Where consumers stood when they began to keep their places themselves. */
export const startsTable = table('events_starts', (column) => ({
  columns: {
    consumer: column.text(32),
    afterSeq: column.bigint(),
    afterId: column.text(255),
    inboxUpTo: column.bigint(),
  },
  primary: ['consumer'],
}));

/** Events that a consumer could not apply, once for each consumer. */
export const deadLettersTable = table('events_dead_letters', (column) => ({
  columns: {
    seq: column.sequence(),
    id: column.text(26),
    eventId: column.text(255, { madeWith: 128 }),
    consumer: column.text(32),
    reason: column.longText(),
    type: column.text(32),
    playerId: column.text(128, { madeWith: 64 }),
    parkedAt: column.bigint(),
    groupId: column.bigint(),
    eventSeq: column.bigint({ default: 0 }),
    // Since then its consumer is to try again.
    redrivenAt: column.nullableBigint(),
    // Whose outbox the announcement is in, and what it is about; empty: it is an event of the log.
    feature: column.text(64, { default: '' }),
    newsKey: column.text(128, { default: '' }),
  },
  unique: { events_dead_letters_id: ['id'], events_dead_letters_event: ['eventId', 'consumer'] },
}));

export type DeadLetterRow = RowOf<typeof deadLettersTable>;

export const gatewayOutbox = outboxEntity('events-gateway');
export const gatewayInbox = inboxEntity('events-gateway');
