import { type RowOf, table } from '../../shared/db/entity';

/** A charge as the simulated provider knows it. It is no table of payments: what stands for another company has its own. */
export const chargesTable = table('payments_simulator_charges', (column) => ({
  columns: {
    seq: column.sequence(),
    id: column.text(64),
    paymentId: column.text(26),
    amount: column.bigint(),
    currency: column.text(3),
    method: column.text(64),
    state: column.text<'pending' | 'authorized' | 'captured' | 'voided' | 'refused'>(16),
    captured: column.bigint(),
    refunded: column.bigint(),
    /** When a charge that is pending is approved. */
    approvedAt: column.bigint(),
    createdAt: column.bigint(),
  },
  unique: { payments_simulator_charges_id: ['id'] },
  indices: { payments_simulator_charges_due: ['state', 'approvedAt'] },
}));

/** What the simulated provider was asked, by idempotency key, and what it has answered. */
export const requestsTable = table('payments_simulator_requests', (column) => ({
  columns: {
    seq: column.sequence(),
    idempotencyKey: column.text(64),
    chargeId: column.text(64),
    // JSON
    answer: column.longText(),
    createdAt: column.bigint(),
    groupId: column.bigint(),
  },
  unique: { payments_simulator_requests_key: ['idempotencyKey'] },
  indices: { payments_simulator_requests_created: ['createdAt'] },
}));

/** Webhooks that the simulated provider has to send. */
export const deliveriesTable = table('payments_simulator_deliveries', (column) => ({
  columns: {
    seq: column.sequence(),
    eventId: column.text(64),
    // JSON
    body: column.longText(),
    nextAt: column.bigint(),
    tries: column.integer(),
    createdAt: column.bigint(),
  },
  indices: { payments_simulator_deliveries_due: ['nextAt'] },
}));

export type SimulatedCharge = RowOf<typeof chargesTable>;
export type Delivery = RowOf<typeof deliveriesTable>;
