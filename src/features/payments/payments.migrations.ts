import { Table } from 'typeorm';
import { bigint, type ColumnOwner, integer, longText, sequence, text } from '../../shared/db/columns';
import { createTable } from '../../shared/db/table.migration';
import { idempotencyTable } from '../../shared/idempotency/idempotency.table';
import {
  inboxMigration,
  inboxRedrivenMigration,
  outboxMigration,
  outboxTraceMigration,
} from '../../shared/outbox/outbox.entity';

const nullable = { isNullable: true };

const CreatePayments1796000000100 = createTable(
  'CreatePayments1796000000100',
  (type) =>
    new Table({
      name: 'payments',
      columns: [
        sequence(type),
        text(type, 'id', 26),
        text(type, 'reservation_id', 26),
        text(type, 'live_reservation', 26, nullable),
        text(type, 'sale_id', 64),
        text(type, 'user_id', 128),
        bigint(type, 'amount'),
        bigint(type, 'captured'),
        bigint(type, 'refunded'),
        bigint(type, 'refunding'),
        text(type, 'currency', 3),
        text(type, 'status', 20),
        text(type, 'provider', 16),
        text(type, 'method', 64, nullable),
        text(type, 'charge_id', 255, nullable),
        text(type, 'client_secret', 255, nullable),
        text(type, 'failure', 255, nullable),
        bigint(type, 'expires_at'),
        bigint(type, 'version'),
        bigint(type, 'created_at'),
        bigint(type, 'updated_at'),
      ],
      indices: [
        { name: 'payments_id', columnNames: ['id'], isUnique: true },
        { name: 'payments_live', columnNames: ['live_reservation'], isUnique: true },
        { name: 'payments_user', columnNames: ['user_id', 'seq'] },
        { name: 'payments_reservation', columnNames: ['reservation_id'] },
        { name: 'payments_sale', columnNames: ['sale_id', 'seq'] },
        { name: 'payments_status', columnNames: ['status', 'expires_at'] },
      ],
    }),
);

const CreatePaymentsOperations1796000000101 = createTable(
  'CreatePaymentsOperations1796000000101',
  (type) =>
    new Table({
      name: 'payments_operations',
      columns: [
        sequence(type),
        text(type, 'id', 26),
        text(type, 'payment_id', 26),
        text(type, 'kind', 16),
        text(type, 'once_key', 80),
        bigint(type, 'amount'),
        text(type, 'state', 16),
        text(type, 'reason', 255, nullable),
        text(type, 'refund_id', 255, nullable),
        integer(type, 'tries'),
        bigint(type, 'next_at'),
        bigint(type, 'created_at'),
        bigint(type, 'updated_at'),
      ],
      indices: [
        { name: 'payments_operations_id', columnNames: ['id'], isUnique: true },
        { name: 'payments_operations_once', columnNames: ['once_key'], isUnique: true },
        { name: 'payments_operations_due', columnNames: ['state', 'next_at'] },
        { name: 'payments_operations_payment', columnNames: ['payment_id'] },
      ],
    }),
);

const CreatePaymentsReservations1796000000102 = createTable(
  'CreatePaymentsReservations1796000000102',
  (type) =>
    new Table({
      name: 'payments_reservations',
      columns: [
        sequence(type),
        text(type, 'reservation_id', 26),
        text(type, 'status', 16),
        text(type, 'payment_id', 26, nullable),
        text(type, 'user_id', 128),
        bigint(type, 'version'),
        bigint(type, 'at'),
        bigint(type, 'handled_at'),
      ],
      indices: [
        { name: 'payments_reservations_id', columnNames: ['reservation_id'], isUnique: true },
        { name: 'payments_reservations_open', columnNames: ['handled_at', 'seq'] },
      ],
    }),
);

const CreatePaymentsWebhooks1796000000103 = createTable(
  'CreatePaymentsWebhooks1796000000103',
  (type) =>
    new Table({
      name: 'payments_webhooks',
      columns: [
        sequence(type),
        text(type, 'provider', 16),
        text(type, 'event_id', 255),
        bigint(type, 'received_at'),
        bigint(type, 'group_id'),
      ],
      indices: [
        { name: 'payments_webhooks_once', columnNames: ['provider', 'event_id'], isUnique: true },
        { name: 'payments_webhooks_received', columnNames: ['received_at'] },
      ],
    }),
);

const CreatePaymentsIdempotency1796000000106 = createTable('CreatePaymentsIdempotency1796000000106', (type) =>
  idempotencyTable(type, 'payments_idempotency'),
);

const charges = (type: ColumnOwner): Table =>
  new Table({
    name: 'payments_simulator_charges',
    columns: [
      sequence(type),
      text(type, 'id', 64),
      text(type, 'payment_id', 26),
      bigint(type, 'amount'),
      text(type, 'currency', 3),
      text(type, 'method', 64),
      text(type, 'state', 16),
      bigint(type, 'captured'),
      bigint(type, 'refunded'),
      bigint(type, 'approved_at'),
      bigint(type, 'created_at'),
    ],
    indices: [
      { name: 'payments_simulator_charges_id', columnNames: ['id'], isUnique: true },
      { name: 'payments_simulator_charges_due', columnNames: ['state', 'approved_at'] },
    ],
  });

const requests = (type: ColumnOwner): Table =>
  new Table({
    name: 'payments_simulator_requests',
    columns: [
      sequence(type),
      text(type, 'idempotency_key', 64),
      text(type, 'charge_id', 64),
      longText(type, 'answer'),
      bigint(type, 'created_at'),
      bigint(type, 'group_id'),
    ],
    indices: [
      { name: 'payments_simulator_requests_key', columnNames: ['idempotency_key'], isUnique: true },
      { name: 'payments_simulator_requests_created', columnNames: ['created_at'] },
    ],
  });

const deliveries = (type: ColumnOwner): Table =>
  new Table({
    name: 'payments_simulator_deliveries',
    columns: [
      sequence(type),
      text(type, 'event_id', 64),
      longText(type, 'body'),
      bigint(type, 'next_at'),
      integer(type, 'tries'),
      bigint(type, 'created_at'),
    ],
    indices: [{ name: 'payments_simulator_deliveries_due', columnNames: ['next_at'] }],
  });

export const paymentsMigrations = [
  CreatePayments1796000000100,
  CreatePaymentsOperations1796000000101,
  CreatePaymentsReservations1796000000102,
  CreatePaymentsWebhooks1796000000103,
  outboxMigration('payments', 1_796_000_000_104),
  inboxMigration('payments', 1_796_000_000_105),
  CreatePaymentsIdempotency1796000000106,
  createTable('CreatePaymentsSimulatorCharges1796000000107', charges),
  createTable('CreatePaymentsSimulatorRequests1796000000108', requests),
  createTable('CreatePaymentsSimulatorDeliveries1796000000109', deliveries),
  inboxRedrivenMigration('payments', 1_796_300_000_102),
  outboxTraceMigration('payments', 1_796_300_000_202),
];
