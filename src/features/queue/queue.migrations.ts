import { Table } from 'typeorm';
import { bigint, type ColumnOwner, integer, sequence, text } from '../../shared/db/columns';
import { createTable } from '../../shared/db/table.migration';
import { inboxMigration, inboxRedrivenMigration } from '../../shared/outbox/outbox.entity';

const at = 1_796_000_000_200;

const rooms = (type: ColumnOwner): Table =>
  new Table({
    name: 'queue_rooms',
    columns: [
      sequence(type),
      text(type, 'sale_id', 64),
      text(type, 'seed', 64),
      text(type, 'seed_hash', 64),
      bigint(type, 'last_number'),
      text(type, 'last_hash', 64),
      bigint(type, 'last_joined_at'),
      bigint(type, 'changes'),
      integer(type, 'drawn'),
      bigint(type, 'tended_at'),
      bigint(type, 'bought'),
      bigint(type, 'unsold'),
      bigint(type, 'quantity'),
      bigint(type, 'created_at'),
      bigint(type, 'group_id'),
    ],
    indices: [{ name: 'queue_rooms_sale', columnNames: ['sale_id'], isUnique: true }],
  });

const tickets = (type: ColumnOwner): Table =>
  new Table({
    name: 'queue_tickets',
    columns: [
      sequence(type),
      text(type, 'sale_id', 64),
      bigint(type, 'number'),
      text(type, 'user_id', 128),
      text(type, 'nonce', 43),
      text(type, 'ticket_hash', 64),
      bigint(type, 'joined_at'),
      text(type, 'previous', 64),
      text(type, 'hash', 64),
      bigint(type, 'place'),
      text(type, 'status', 9),
      bigint(type, 'seen_at'),
      bigint(type, 'present_until', { default: 0 }),
      bigint(type, 'called_at'),
      bigint(type, 'ready_until'),
      integer(type, 'missed'),
      bigint(type, 'admitted_at'),
      text(type, 'grant_id', 64, { isNullable: true }),
      bigint(type, 'grant_until'),
      bigint(type, 'void_at'),
      bigint(type, 'ended'),
      bigint(type, 'changed'),
      bigint(type, 'group_id'),
    ],
    indices: [
      { name: 'queue_tickets_number', columnNames: ['sale_id', 'number'], isUnique: true },
      { name: 'queue_tickets_hash', columnNames: ['ticket_hash'], isUnique: true },
      { name: 'queue_tickets_user', columnNames: ['sale_id', 'user_id', 'ended'], isUnique: true },
      { name: 'queue_tickets_changed', columnNames: ['sale_id', 'changed'] },
      { name: 'queue_tickets_status', columnNames: ['sale_id', 'status', 'place'] },
      { name: 'queue_tickets_admitted', columnNames: ['sale_id', 'admitted_at'] },
      { name: 'queue_tickets_grant', columnNames: ['grant_id'] },
      { name: 'queue_tickets_void', columnNames: ['status', 'void_at'] },
    ],
  });

export const queueMigrations = [
  createTable(`CreateQueueRooms${at}`, rooms),
  createTable(`CreateQueueTickets${at + 1}`, tickets),
  inboxMigration('queue', at + 2),
  inboxRedrivenMigration('queue', 1_796_300_000_103),
];
