import { type RowOf, table } from '../../shared/db/entity';
import { idempotencyEntity } from '../../shared/idempotency/idempotency.table';
import { inboxEntity, outboxEntity } from '../../shared/outbox/outbox.entity';
import type { PaymentStatus, ReservationEnd } from './payments.states';

/** Amounts are in the smallest unit of the currency; times here and below are milliseconds since 1970. */
export const paymentsTable = table('payments', (column) => ({
  columns: {
    seq: column.sequence(),
    id: column.text(26),
    reservationId: column.text(26),
    /** The reservation while the payment is not over: of these there is one at most. */
    liveReservation: column.nullableText(26),
    saleId: column.text(64),
    userId: column.text(128),
    amount: column.bigint(),
    captured: column.bigint(),
    refunded: column.bigint(),
    refunding: column.bigint(),
    currency: column.text(3),
    status: column.text<PaymentStatus>(20),
    provider: column.text(16),
    method: column.nullableText(64),
    /** What the provider calls it. */
    chargeId: column.nullableText(255),
    clientSecret: column.nullableText(255),
    failure: column.nullableText(255),
    expiresAt: column.bigint(),
    version: column.bigint(),
    createdAt: column.bigint(),
    updatedAt: column.bigint(),
  },
  unique: { payments_id: ['id'], payments_live: ['liveReservation'] },
  indices: {
    payments_user: ['userId', 'seq'],
    payments_reservation: ['reservationId'],
    payments_sale: ['saleId', 'seq'],
    payments_status: ['status', 'expiresAt'],
  },
}));

/** What is asked of the provider: `authorize` takes the money aside, `void` lets go of it, `refund` gives back what was captured. */
export type OperationKind = 'authorize' | 'capture' | 'void' | 'refund';
/** `pending`: it may have happened. The provider is asked until it says that it has, or that it never will. */
export type OperationState = 'pending' | 'done' | 'refused';

/** What a provider is asked, written down before it is asked. The id is the idempotency key that it gets, each time the same. */
export const operationsTable = table('payments_operations', (column) => ({
  columns: {
    seq: column.sequence(),
    id: column.text(26),
    paymentId: column.text(26),
    kind: column.text<OperationKind>(16),
    /** A payment is authorized, captured and voided once each; a refund has its own id here. */
    onceKey: column.text(80),
    amount: column.bigint(),
    state: column.text<OperationState>(16),
    reason: column.nullableText(255),
    /** What the provider calls the refund. */
    refundId: column.nullableText(255),
    tries: column.integer(),
    /** When it is due, or due again should its answer not come. */
    nextAt: column.bigint(),
    createdAt: column.bigint(),
    updatedAt: column.bigint(),
  },
  unique: { payments_operations_id: ['id'], payments_operations_once: ['onceKey'] },
  indices: { payments_operations_due: ['state', 'nextAt'], payments_operations_payment: ['paymentId'] },
}));

/** What became of reservations, as they have announced it. `handledAt` 0: not yet drawn the consequences of. */
export const reservationsTable = table('payments_reservations', (column) => ({
  columns: {
    seq: column.sequence(),
    reservationId: column.text(26),
    status: column.text<ReservationEnd>(16),
    /** The payment that it was confirmed by. */
    paymentId: column.nullableText(26),
    userId: column.text(128),
    version: column.bigint(),
    at: column.bigint(),
    handledAt: column.bigint(),
  },
  unique: { payments_reservations_id: ['reservationId'] },
  indices: { payments_reservations_open: ['handledAt', 'seq'] },
}));

/** The events of providers that had their effect. */
export const webhooksTable = table('payments_webhooks', (column) => ({
  columns: {
    seq: column.sequence(),
    provider: column.text(16),
    eventId: column.text(255),
    receivedAt: column.bigint(),
    groupId: column.bigint(),
  },
  unique: { payments_webhooks_once: ['provider', 'eventId'] },
  indices: { payments_webhooks_received: ['receivedAt'] },
}));

export const paymentsOutboxTable = outboxEntity('payments');
export const paymentsInboxTable = inboxEntity('payments');
export const paymentsKeysTable = idempotencyEntity('payments_idempotency');

export type PaymentRow = RowOf<typeof paymentsTable>;
export type OperationRow = RowOf<typeof operationsTable>;
export type ReservationRow = RowOf<typeof reservationsTable>;
