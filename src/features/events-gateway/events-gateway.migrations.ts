import { Table, TableIndex } from 'typeorm';
import { bigint, integer, longText, sequence, text } from '../../shared/db/columns';
import { addColumn, addIndex, createTable, widenText } from '../../shared/db/table.migration';
import {
  inboxMigration,
  inboxRedrivenMigration,
  outboxMigration,
  outboxTraceMigration,
} from '../../shared/outbox/outbox.entity';
import {
  CarryPlaces1796200000002,
  FillDeadLetterSeq1796200000005,
  SlimGameEvents1796200000006,
} from './events-gateway.log.migrations';

const CreateGameEvents1795219200000 = createTable(
  'CreateGameEvents1795219200000',
  (type) =>
    new Table({
      name: 'game_events',
      columns: [
        // The key is a sequence and not the client's id: inserting random text in key order costs three times as much.
        sequence(type),
        text(type, 'id', 128),
        text(type, 'type', 32),
        text(type, 'player_id', 64),
        bigint(type, 'occurred_at'),
        bigint(type, 'accepted_at'),
        longText(type, 'payload'),
        bigint(type, 'points'),
        text(type, 'trace_id', 64),
        // One bit for each consumer that has not confirmed.
        integer(type, 'pending'),
        // When the relay has to send it (again), and how often it did.
        bigint(type, 'send_at'),
        integer(type, 'sends'),
        bigint(type, 'claim_id'),
        bigint(type, 'group_id'),
      ],
      indices: [
        { name: 'game_events_id', columnNames: ['id'], isUnique: true },
        { name: 'game_events_due', columnNames: ['send_at', 'seq'], where: 'pending <> 0' },
      ],
    }),
);

const CreateDeadLetters1795219200001 = createTable(
  'CreateDeadLetters1795219200001',
  (type) =>
    new Table({
      name: 'events_dead_letters',
      columns: [
        sequence(type),
        text(type, 'id', 26),
        text(type, 'event_id', 128),
        text(type, 'consumer', 32),
        longText(type, 'reason'),
        text(type, 'type', 32),
        text(type, 'player_id', 64),
        bigint(type, 'parked_at'),
        bigint(type, 'group_id'),
      ],
      indices: [
        new TableIndex({ name: 'events_dead_letters_id', columnNames: ['id'], isUnique: true }),
        new TableIndex({ name: 'events_dead_letters_event', columnNames: ['event_id', 'consumer'], isUnique: true }),
      ],
    }),
);

// Ids as platforms have them, and idempotency keys of up to 255 characters.
const WidenEventIds1795700200000 = widenText('WidenEventIds1795700200000', [
  { table: 'game_events', column: 'id', from: 128, to: 255 },
  { table: 'game_events', column: 'player_id', from: 64, to: 128 },
  { table: 'events_dead_letters', column: 'event_id', from: 128, to: 255 },
  { table: 'events_dead_letters', column: 'player_id', from: 64, to: 128 },
]);

// So that the oldest event that a consumer has not confirmed is found at once, however many there are.
const IndexPendingEvents1795700400000 = addIndex(
  'IndexPendingEvents1795700400000',
  'game_events',
  new TableIndex({ name: 'game_events_pending', columnNames: ['pending', 'accepted_at'], where: 'pending <> 0' }),
);

const CreateEventsLog1796200000000 = createTable(
  'CreateEventsLog1796200000000',
  (type) =>
    new Table({ name: 'events_log', columns: [integer(type, 'id', { isPrimary: true }), bigint(type, 'last_seq')] }),
);

const CreateEventsStarts1796200000001 = createTable(
  'CreateEventsStarts1796200000001',
  (type) =>
    new Table({
      name: 'events_starts',
      columns: [
        text(type, 'consumer', 32, { isPrimary: true }),
        bigint(type, 'after_seq'),
        text(type, 'after_id', 255),
        bigint(type, 'inbox_up_to'),
      ],
    }),
);

const AddDeadLetterSeq1796200000003 = addColumn('AddDeadLetterSeq1796200000003', 'events_dead_letters', (type) =>
  bigint(type, 'event_seq', { default: 0 }),
);

const AddDeadLetterRedrivenAt1796200000004 = addColumn(
  'AddDeadLetterRedrivenAt1796200000004',
  'events_dead_letters',
  (type) => bigint(type, 'redriven_at', { isNullable: true }),
);

const AddDeadLetterFeature1796300000000 = addColumn(
  'AddDeadLetterFeature1796300000000',
  'events_dead_letters',
  (type) => text(type, 'feature', 64, { default: "''" }),
);

const AddDeadLetterNewsKey1796300000001 = addColumn(
  'AddDeadLetterNewsKey1796300000001',
  'events_dead_letters',
  (type) => text(type, 'news_key', 128, { default: "''" }),
);

export const eventsGatewayMigrations = [
  CreateGameEvents1795219200000,
  CreateDeadLetters1795219200001,
  WidenEventIds1795700200000,
  IndexPendingEvents1795700400000,
  CreateEventsLog1796200000000,
  CreateEventsStarts1796200000001,
  CarryPlaces1796200000002,
  AddDeadLetterSeq1796200000003,
  AddDeadLetterRedrivenAt1796200000004,
  FillDeadLetterSeq1796200000005,
  SlimGameEvents1796200000006,
  AddDeadLetterFeature1796300000000,
  AddDeadLetterNewsKey1796300000001,
  outboxMigration('events-gateway', 1_796_300_000_002),
  inboxMigration('events-gateway', 1_796_300_000_003),
  inboxRedrivenMigration('events-gateway', 1_796_300_000_100),
  outboxTraceMigration('events-gateway', 1_796_300_000_200),
];
