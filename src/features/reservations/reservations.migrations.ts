import { Table, type TableColumn } from 'typeorm';
import { bigint, type ColumnOwner, integer, longText, sequence, text } from '../../shared/db/columns';
import { createTable } from '../../shared/db/table.migration';
import { idempotencyTable } from '../../shared/idempotency/idempotency.table';
import {
  inboxMigration,
  inboxRedrivenMigration,
  outboxMigration,
  outboxTraceMigration,
} from '../../shared/outbox/outbox.entity';

const at = 1_796_000_000_000;

interface Keys {
  readonly unique: Readonly<Record<string, readonly string[]>>;
  readonly indices?: Readonly<Record<string, readonly string[]>>;
}

/** One table with a sequence. */
function made(nth: number, label: string, name: string, columns: (type: ColumnOwner) => TableColumn[], keys: Keys) {
  const index = (isUnique: boolean) => (entry: [string, readonly string[]]) => ({
    name: entry[0],
    columnNames: [...entry[1]],
    isUnique,
  });
  const indices = [
    ...Object.entries(keys.unique).map(index(true)),
    ...Object.entries(keys.indices ?? {}).map(index(false)),
  ];
  return createTable(
    `${label}${at + nth}`,
    (type) => new Table({ name, columns: [sequence(type), ...columns(type)], indices }),
  );
}

const sales = made(
  0,
  'CreateReservationsSales',
  'reservations_sales',
  (type) => [
    text(type, 'sale_id', 64),
    text(type, 'title', 128),
    text(type, 'currency', 3),
    text(type, 'state', 8),
    bigint(type, 'opens_at'),
    bigint(type, 'closes_at', { isNullable: true }),
    integer(type, 'hold_seconds'),
    integer(type, 'max_per_reservation'),
    integer(type, 'max_per_user'),
    text(type, 'queue', 1000, { isNullable: true }),
    bigint(type, 'version'),
    bigint(type, 'created_at'),
    bigint(type, 'updated_at'),
  ],
  { unique: { reservations_sales_id: ['sale_id'] } },
);

const sections = made(
  1,
  'CreateReservationsSections',
  'reservations_sections',
  (type) => [
    text(type, 'sale_id', 64),
    text(type, 'section_id', 64),
    bigint(type, 'price'),
    integer(type, 'seated'),
    integer(type, 'capacity'),
    integer(type, 'available'),
    integer(type, 'held'),
    integer(type, 'sold'),
    integer(type, 'blocked'),
  ],
  { unique: { reservations_sections_id: ['sale_id', 'section_id'] } },
);

const seats = made(
  2,
  'CreateReservationsSeats',
  'reservations_seats',
  (type) => [
    text(type, 'sale_id', 64),
    text(type, 'section_id', 64),
    text(type, 'seat_id', 32),
    text(type, 'state', 9),
    text(type, 'reservation_id', 26, { isNullable: true }),
    bigint(type, 'group_id'),
  ],
  {
    unique: { reservations_seats_id: ['sale_id', 'section_id', 'seat_id'] },
    indices: { reservations_seats_by: ['reservation_id'] },
  },
);

const reservations = made(
  3,
  'CreateReservations',
  'reservations',
  (type) => [
    text(type, 'id', 26),
    text(type, 'sale_id', 64),
    text(type, 'user_id', 128),
    integer(type, 'quantity'),
    bigint(type, 'amount'),
    text(type, 'currency', 3),
    text(type, 'status', 9),
    bigint(type, 'held_until'),
    integer(type, 'extended'),
    text(type, 'payment_id', 26, { isNullable: true }),
    longText(type, 'ticket', { isNullable: true }),
    text(type, 'grant_id', 64, { isNullable: true }),
    bigint(type, 'version'),
    bigint(type, 'created_at'),
    bigint(type, 'updated_at'),
  ],
  {
    unique: { reservations_id: ['id'] },
    indices: {
      reservations_due: ['status', 'held_until'],
      reservations_sale: ['sale_id', 'seq'],
      reservations_user: ['user_id', 'seq'],
    },
  },
);

const items = made(
  4,
  'CreateReservationsItems',
  'reservations_items',
  (type) => [
    text(type, 'reservation_id', 26),
    text(type, 'sale_id', 64),
    text(type, 'section_id', 64),
    integer(type, 'quantity'),
    longText(type, 'seat_ids'),
    bigint(type, 'price'),
  ],
  { unique: { reservations_items_id: ['reservation_id', 'section_id'] } },
);

const buyers = made(
  5,
  'CreateReservationsBuyers',
  'reservations_buyers',
  (type) => [
    text(type, 'sale_id', 64),
    text(type, 'user_id', 128),
    integer(type, 'quantity'),
    bigint(type, 'group_id'),
  ],
  { unique: { reservations_buyers_id: ['sale_id', 'user_id'] } },
);

const grants = made(
  6,
  'CreateReservationsGrants',
  'reservations_grants',
  (type) => [
    text(type, 'jti', 64),
    text(type, 'sale_id', 64),
    text(type, 'reservation_id', 26, { isNullable: true }),
    bigint(type, 'used_at'),
    bigint(type, 'group_id'),
  ],
  { unique: { reservations_grants_id: ['jti'] } },
);

const payments = made(
  7,
  'CreateReservationsPayments',
  'reservations_payments',
  (type) => [
    text(type, 'payment_id', 26),
    text(type, 'reservation_id', 26),
    bigint(type, 'amount'),
    text(type, 'currency', 3),
    text(type, 'status', 16),
    bigint(type, 'told_at'),
    bigint(type, 'group_id'),
  ],
  {
    unique: { reservations_payments_id: ['payment_id'] },
    indices: { reservations_payments_for: ['reservation_id'] },
  },
);

const keys = createTable(`CreateReservationsIdempotency${at + 8}`, (type) =>
  idempotencyTable(type, 'reservations_idempotency'),
);

export const reservationsMigrations = [
  ...[sales, sections, seats, reservations, items, buyers, grants, payments, keys],
  outboxMigration('reservations', at + 9),
  inboxMigration('reservations', at + 10),
  inboxRedrivenMigration('reservations', 1_796_300_000_101),
  outboxTraceMigration('reservations', 1_796_300_000_201),
];
