import { Module } from '@nestjs/common';
import { AsyncModule } from '../../shared/async/async.module';
import { BusModule } from '../../shared/bus/bus.module';
import { ContractModule } from '../../shared/contract/contract.module';
import type { Feature } from '../../shared/contract/feature';
import { DbModule } from '../../shared/db/db.module';
import { HealthModule } from '../../shared/health/health.module';
import { IdempotencyModule } from '../../shared/idempotency/idempotency.module';
import { LifecycleModule } from '../../shared/lifecycle/lifecycle.module';
import { deadNews, redrivenNews } from '../../shared/outbox/dead-news';
import { OutboxModule } from '../../shared/outbox/outbox.module';
import { ReservationsApi } from '../reservations/reservations.api';
import { reservationNews } from '../reservations/reservations.events';
import { PaymentsApi, paymentsContract } from './payments.api';
import { PaymentsAuditWorker } from './payments.audit.worker';
import { PaymentsAuditor } from './payments.auditor';
import { PaymentsBook } from './payments.book';
import { paymentsDocs } from './payments.docs';
import {
  operationsTable,
  paymentsInboxTable,
  paymentsKeysTable,
  paymentsOutboxTable,
  paymentsTable,
  reservationsTable,
  webhooksTable,
} from './payments.entity';
import { paymentNews } from './payments.events';
import { examinePayments } from './payments.examination';
import { PaymentsGateway } from './payments.gateway';
import { PaymentsGrpcController } from './payments.grpc.controller';
import { PaymentsHttpController } from './payments.http.controller';
import { PaymentsListener } from './payments.listener';
import { PaymentsMetrics, paymentsMetrics } from './payments.metrics';
import { paymentsMigrations } from './payments.migrations';
import { PaymentsOperationsRepository } from './payments.operations.repository';
import { PaymentsOutbox } from './payments.outbox';
import { PaymentProvider } from './payments.provider';
import { PaymentsRepository } from './payments.repository';
import { PaymentsRunner } from './payments.runner';
import { PaymentsService } from './payments.service';
import { PaymentsSettings, paymentsRules } from './payments.settings';
import { PaymentsSettlement } from './payments.settlement';
import { SimulatorProvider } from './payments.simulator';
import { chargesTable, deliveriesTable, requestsTable } from './payments.simulator.entity';
import { SimulatorRepository } from './payments.simulator.repository';
import { SimulatorWorker } from './payments.simulator.worker';
import { StripeProvider } from './payments.stripe';
import { PaymentsWorker } from './payments.worker';

function provider(settings: PaymentsSettings, simulator: SimulatorProvider): PaymentProvider {
  return settings.provider === 'stripe' ? new StripeProvider(settings.stripe) : simulator;
}

@Module({
  imports: [
    AsyncModule,
    BusModule,
    ContractModule,
    DbModule,
    HealthModule,
    IdempotencyModule,
    LifecycleModule,
    OutboxModule,
  ],
  providers: [
    PaymentsService,
    { provide: PaymentsApi, useExisting: PaymentsService },
    PaymentsAuditor,
    PaymentsAuditWorker,
    PaymentsBook,
    PaymentsGateway,
    PaymentsListener,
    PaymentsOperationsRepository,
    PaymentsOutbox,
    PaymentsRepository,
    PaymentsRunner,
    PaymentsSettlement,
    PaymentsWorker,
    { provide: PaymentProvider, inject: [PaymentsSettings, SimulatorProvider], useFactory: provider },
    SimulatorProvider,
    SimulatorRepository,
    SimulatorWorker,
    PaymentsMetrics,
    ...paymentsMetrics,
  ],
  exports: [PaymentsApi],
})
export class PaymentsModule {}

export const paymentsFeature: Feature = {
  contract: paymentsContract,
  docs: paymentsDocs,
  logged: ['payment_id', 'operation_id', 'kind', 'tries', 'reason', 'status'],
  module: PaymentsModule,
  doors: { controllers: [PaymentsHttpController, PaymentsGrpcController] },
  entities: [
    ...[paymentsTable, operationsTable, reservationsTable, webhooksTable],
    ...[paymentsOutboxTable, paymentsInboxTable, paymentsKeysTable],
    ...[chargesTable, requestsTable, deliveriesTable],
  ],
  migrations: paymentsMigrations,
  settings: PaymentsSettings,
  rules: paymentsRules,
  examine: examinePayments,
  needs: [ReservationsApi],
  announces: [paymentNews.topic, reservationNews.handled, deadNews.topic, redrivenNews.handled],
  hears: [reservationNews.topic, paymentNews.handled, redrivenNews.topic, deadNews.handled],
};
