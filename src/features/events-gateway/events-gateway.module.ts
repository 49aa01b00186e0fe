import { Module } from '@nestjs/common';
import { AsyncModule } from '../../shared/async/async.module';
import { BusModule } from '../../shared/bus/bus.module';
import { ContractModule } from '../../shared/contract/contract.module';
import type { Feature } from '../../shared/contract/feature';
import { DbModule } from '../../shared/db/db.module';
import { HttpModule } from '../../shared/http/http.module';
import { LifecycleModule } from '../../shared/lifecycle/lifecycle.module';
import { TracingModule } from '../../shared/otel/tracing.module';
import { deadNews, redrivenNews } from '../../shared/outbox/dead-news';
import { OutboxModule } from '../../shared/outbox/outbox.module';
import { FairnessApi } from '../fairness/fairness.api';
import { EventAcceptance } from './events-gateway.acceptance';
import { EventsGatewayApi, eventsGatewayContract } from './events-gateway.api';
import { DeadLettersRepository } from './events-gateway.dead-letters.repository';
import { eventsGatewayDocs } from './events-gateway.docs';
import {
  deadLettersTable,
  gameEventsTable,
  gatewayInbox,
  gatewayOutbox,
  logTable,
  startsTable,
} from './events-gateway.entity';
import { acceptedEvents } from './events-gateway.events';
import { FairnessGate } from './events-gateway.fairness-gate';
import { EventsGatewayGrpcController } from './events-gateway.grpc.controller';
import { EventsGatewayHotRoute } from './events-gateway.hot';
import { EventsGatewayHttpController } from './events-gateway.http.controller';
import { EventIntake } from './events-gateway.intake';
import { JournalRepository } from './events-gateway.journal.repository';
import { EventsGatewayListener } from './events-gateway.listener';
import { EventsGatewayMetrics, eventsGatewayMetrics } from './events-gateway.metrics';
import { eventsGatewayMigrations } from './events-gateway.migrations';
import { EventsGatewayOutbox } from './events-gateway.outbox';
import { EventsGatewayService } from './events-gateway.service';
import { EventsGatewaySettings } from './events-gateway.settings';
import { SignatureVerifier } from './events-gateway.signature';
import { EventsGatewayStream } from './events-gateway.stream';
import { KeyThrottle } from './events-gateway.throttle';
import { EventsGatewayWarmUp } from './events-gateway.warmup';

@Module({
  imports: [
    ...[AsyncModule, BusModule, ContractModule, DbModule],
    ...[HttpModule, LifecycleModule, OutboxModule, TracingModule],
  ],
  providers: [
    EventsGatewayService,
    { provide: EventsGatewayApi, useExisting: EventsGatewayService },
    EventIntake,
    SignatureVerifier,
    KeyThrottle,
    FairnessGate,
    EventAcceptance,
    JournalRepository,
    DeadLettersRepository,
    EventsGatewayListener,
    EventsGatewayOutbox,
    EventsGatewayHotRoute,
    EventsGatewayWarmUp,
    EventsGatewayMetrics,
    ...eventsGatewayMetrics,
  ],
  exports: [EventsGatewayApi],
})
export class EventsGatewayModule {}

export const eventsGatewayFeature: Feature = {
  contract: eventsGatewayContract,
  docs: eventsGatewayDocs,
  logged: ['on_failure'],
  module: EventsGatewayModule,
  doors: {
    controllers: [EventsGatewayHttpController, EventsGatewayGrpcController],
    imports: [LifecycleModule],
    providers: [EventsGatewayStream],
  },
  entities: [gameEventsTable, logTable, startsTable, deadLettersTable, gatewayOutbox, gatewayInbox],
  migrations: eventsGatewayMigrations,
  // So that no event waits for what others write.
  ownFile: 'events',
  settings: EventsGatewaySettings,
  needs: [FairnessApi],
  announces: [acceptedEvents, redrivenNews.topic, deadNews.handled],
  hears: [deadNews.topic, redrivenNews.handled],
};
