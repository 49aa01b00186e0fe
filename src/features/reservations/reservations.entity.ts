import { type RowOf, table } from '../../shared/db/entity';
import { idempotencyEntity } from '../../shared/idempotency/idempotency.table';
import { inboxEntity, outboxEntity } from '../../shared/outbox/outbox.entity';

// Times are milliseconds since 1970, prices and amounts in the smallest unit of the currency.

/** Where a seat, or one of a quantity, can be. */
export type Place = 'available' | 'held' | 'sold' | 'blocked';
export type SaleState = 'open' | 'paused' | 'closed';
export type Status = 'held' | 'confirmed' | 'cancelled' | 'expired' | 'refunding' | 'refunded' | 'revoked';

export const salesTable = table('reservations_sales', (column) => ({
  columns: {
    seq: column.sequence(),
    saleId: column.text(64),
    title: column.text(128),
    currency: column.text(3),
    state: column.text<SaleState>(8),
    opensAt: column.bigint(),
    closesAt: column.nullableBigint(),
    holdSeconds: column.integer(),
    maxPerReservation: column.integer(),
    maxPerUser: column.integer(),
    /** The waiting room as JSON; null: there is none. */
    queue: column.nullableText(1000),
    version: column.bigint(),
    createdAt: column.bigint(),
    updatedAt: column.bigint(),
  },
  unique: { reservations_sales_id: ['saleId'] },
}));

/** `available + held + sold + blocked = capacity`, at every COMMIT. */
export const sectionsTable = table('reservations_sections', (column) => ({
  columns: {
    seq: column.sequence(),
    saleId: column.text(64),
    sectionId: column.text(64),
    price: column.bigint(),
    /** 1: by seat; 0: by quantity. */
    seated: column.integer(),
    capacity: column.integer(),
    available: column.integer(),
    held: column.integer(),
    sold: column.integer(),
    blocked: column.integer(),
  },
  unique: { reservations_sections_id: ['saleId', 'sectionId'] },
}));

export const seatsTable = table('reservations_seats', (column) => ({
  columns: {
    seq: column.sequence(),
    saleId: column.text(64),
    sectionId: column.text(64),
    seatId: column.text(32),
    state: column.text<Place>(9),
    /** Who holds it or has bought it. */
    reservationId: column.nullableText(26),
    groupId: column.bigint(),
  },
  unique: { reservations_seats_id: ['saleId', 'sectionId', 'seatId'] },
  indices: { reservations_seats_by: ['reservationId'] },
}));

export const reservationsTable = table('reservations', (column) => ({
  columns: {
    seq: column.sequence(),
    id: column.text(26),
    saleId: column.text(64),
    userId: column.text(128),
    quantity: column.integer(),
    amount: column.bigint(),
    currency: column.text(3),
    status: column.text<Status>(9),
    heldUntil: column.bigint(),
    /** 1: it was extended. */
    extended: column.integer(),
    paymentId: column.nullableText(26),
    ticket: column.nullableLongText(),
    /** The jti of the grant that it used. */
    grantId: column.nullableText(64),
    version: column.bigint(),
    createdAt: column.bigint(),
    updatedAt: column.bigint(),
  },
  unique: { reservations_id: ['id'] },
  indices: {
    reservations_due: ['status', 'heldUntil'],
    reservations_sale: ['saleId', 'seq'],
    reservations_user: ['userId', 'seq'],
  },
}));

export const itemsTable = table('reservations_items', (column) => ({
  columns: {
    seq: column.sequence(),
    reservationId: column.text(26),
    saleId: column.text(64),
    sectionId: column.text(64),
    quantity: column.integer(),
    /** A JSON list; empty in a section by quantity. */
    seatIds: column.longText(),
    price: column.bigint(),
  },
  unique: { reservations_items_id: ['reservationId', 'sectionId'] },
}));

/** How much each buyer holds or has bought in a sale. */
export const buyersTable = table('reservations_buyers', (column) => ({
  columns: {
    seq: column.sequence(),
    saleId: column.text(64),
    userId: column.text(128),
    quantity: column.integer(),
    groupId: column.bigint(),
  },
  unique: { reservations_buyers_id: ['saleId', 'userId'] },
}));

/** Grants that cannot be used any more: used, or voided. */
export const grantsTable = table('reservations_grants', (column) => ({
  columns: {
    seq: column.sequence(),
    jti: column.text(64),
    saleId: column.text(64),
    /** What it was used for; null: it was voided. */
    reservationId: column.nullableText(26),
    usedAt: column.bigint(),
    groupId: column.bigint(),
  },
  unique: { reservations_grants_id: ['jti'] },
}));

/** The payments that were announced for reservations. */
export const paidTable = table('reservations_payments', (column) => ({
  columns: {
    seq: column.sequence(),
    paymentId: column.text(26),
    reservationId: column.text(26),
    amount: column.bigint(),
    currency: column.text(3),
    status: column.text<'authorized' | 'capture_refused' | 'refunding' | 'refunded'>(16),
    toldAt: column.bigint(),
    groupId: column.bigint(),
  },
  unique: { reservations_payments_id: ['paymentId'] },
  indices: { reservations_payments_for: ['reservationId'] },
}));

export const reservationKeysTable = idempotencyEntity('reservations_idempotency');
export const reservationsOutbox = outboxEntity('reservations');
export const reservationsInbox = inboxEntity('reservations');

/** What is told of a payment. */
export interface PaymentTold {
  readonly paymentId: string;
  readonly reservationId: string;
  readonly status: 'authorized' | 'capture_refused' | 'refunding' | 'refunded';
  readonly amount: number;
  readonly currency: string;
  readonly at: number;
}

/** What is left of a section of an open sale. */
export interface SaleLevel {
  readonly saleId: string;
  readonly sectionId: string;
  readonly available: number;
}

export type SaleRow = RowOf<typeof salesTable>;
export type SectionRow = RowOf<typeof sectionsTable>;
export type ReservationRow = RowOf<typeof reservationsTable>;
export type ItemRow = RowOf<typeof itemsTable>;
