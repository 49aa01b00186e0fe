import { type RowOf, table } from '../../shared/db/entity';

/** Accepted events. The key is a sequence: inserting random text in key order costs three times as much. */
export const gameEventsTable = table('game_events', (column) => ({
  columns: {
    seq: column.sequence(),
    id: column.text(255, { madeWith: 128 }),
    type: column.text(32),
    playerId: column.text(128, { madeWith: 64 }),
    occurredAt: column.bigint(),
    acceptedAt: column.bigint(),
    payload: column.longText(),
    points: column.bigint(),
    traceId: column.text(64),
    // One bit for each consumer that has not confirmed.
    pending: column.integer(),
    // When the relay has to send it (again), and how often it did.
    sendAt: column.bigint(),
    sends: column.integer(),
    claimId: column.bigint(),
    groupId: column.bigint(),
  },
  unique: { game_events_id: ['id'] },
  indices: { game_events_due: ['sendAt', 'seq'], game_events_pending: ['pending', 'acceptedAt'] },
  where: { game_events_due: 'pending <> 0', game_events_pending: 'pending <> 0' },
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
  },
  unique: { events_dead_letters_id: ['id'], events_dead_letters_event: ['eventId', 'consumer'] },
}));

export type DeadLetterRow = RowOf<typeof deadLettersTable>;
