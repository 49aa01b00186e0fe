import { Module } from '@nestjs/common';
import { AsyncModule } from '../../shared/async/async.module';
import { AccessModule } from '../../shared/auth/access.module';
import { ContractModule } from '../../shared/contract/contract.module';
import type { Feature } from '../../shared/contract/feature';
import { DbModule } from '../../shared/db/db.module';
import { IdempotencyModule } from '../../shared/idempotency/idempotency.module';
import { LifecycleModule } from '../../shared/lifecycle/lifecycle.module';
import { deadNews, redrivenNews } from '../../shared/outbox/dead-news';
import { OutboxModule } from '../../shared/outbox/outbox.module';
import { paymentNews } from '../payments/payments.events';
import { ReservationsApi, reservationsContract } from './reservations.api';
import { AuditRepository } from './reservations.audit.repository';
import { ReservationsAuditWorker } from './reservations.audit.worker';
import { reservationsDocs } from './reservations.docs';
import {
  buyersTable,
  grantsTable,
  itemsTable,
  paidTable,
  reservationKeysTable,
  reservationsInbox,
  reservationsOutbox,
  reservationsTable,
  salesTable,
  seatsTable,
  sectionsTable,
} from './reservations.entity';
import { reservationNews } from './reservations.events';
import { ReservationsGrpcController } from './reservations.grpc.controller';
import { Holds } from './reservations.holds';
import { ReservationsHttpController } from './reservations.http.controller';
import { ReservationsListener } from './reservations.listener';
import { ReservationsMetrics, reservationsMetrics, reservationsWatchMetrics } from './reservations.metrics';
import { reservationsMigrations } from './reservations.migrations';
import { ReservationsOutbox } from './reservations.outbox';
import { DropPageController, dropPages } from './reservations.page.controller';
import { ReservationsRepository } from './reservations.repository';
import { SalesRepository } from './reservations.sales.repository';
import { SalesService } from './reservations.sales.service';
import { ReservationsService } from './reservations.service';
import { ReservationsSettings } from './reservations.settings';
import { ReservationsStreamController, reservationsPages } from './reservations.stream.controller';
import { Tickets } from './reservations.tickets';
import { ReservationsWatch } from './reservations.watch';
import { ReservationsWorker } from './reservations.worker';

@Module({
  imports: [AccessModule, AsyncModule, ContractModule, DbModule, IdempotencyModule, OutboxModule],
  providers: [
    ReservationsService,
    { provide: ReservationsApi, useExisting: ReservationsService },
    SalesService,
    Holds,
    Tickets,
    ReservationsRepository,
    SalesRepository,
    AuditRepository,
    ReservationsOutbox,
    ReservationsListener,
    ReservationsWorker,
    ReservationsAuditWorker,
    ReservationsMetrics,
    ...reservationsMetrics,
  ],
  exports: [ReservationsApi],
})
export class ReservationsModule {}

export const reservationsFeature: Feature = {
  contract: reservationsContract,
  docs: reservationsDocs,
  logged: ['sale', 'section', 'quantity', 'state', 'to'],
  pages: [...reservationsPages, ...dropPages],
  module: ReservationsModule,
  doors: {
    controllers: [
      ReservationsStreamController,
      ReservationsHttpController,
      ReservationsGrpcController,
      DropPageController,
    ],
    imports: [ContractModule, LifecycleModule],
    providers: [ReservationsWatch, ...reservationsWatchMetrics],
  },
  entities: [
    ...[salesTable, sectionsTable, seatsTable, reservationsTable, itemsTable, buyersTable, grantsTable, paidTable],
    ...[reservationKeysTable, reservationsOutbox, reservationsInbox],
  ],
  migrations: reservationsMigrations,
  settings: ReservationsSettings,
  announces: [reservationNews.topic, paymentNews.handled, deadNews.topic, redrivenNews.handled],
  hears: [paymentNews.topic, reservationNews.handled, redrivenNews.topic, deadNews.handled],
};
