import { Module } from '@nestjs/common';
import { AsyncModule } from '../../shared/async/async.module';
import { BusModule } from '../../shared/bus/bus.module';
import { ContractModule } from '../../shared/contract/contract.module';
import type { Feature } from '../../shared/contract/feature';
import { DbModule } from '../../shared/db/db.module';
import { LifecycleModule } from '../../shared/lifecycle/lifecycle.module';
import { FairnessApi } from '../fairness/fairness.api';
import { EventsGatewayApi, eventsGatewayContract } from './events-gateway.api';
import { DeadLettersRepository } from './events-gateway.dead-letters.repository';
import { eventsGatewayDocs } from './events-gateway.docs';
import { FairnessCallMetrics, fairnessCallMetrics } from './events-gateway.fairness.metrics';
import { Gatekeeper } from './events-gateway.gatekeeper';
import { EventsGatewayGrpcController } from './events-gateway.grpc.controller';
import { EventsGatewayHttpController } from './events-gateway.http.controller';
import { IngestRoute } from './events-gateway.ingest.route';
import { Intake } from './events-gateway.intake';
import { Journal } from './events-gateway.journal';
import { JournalRepository } from './events-gateway.journal.repository';
import { EventsGatewayMetrics, eventsGatewayMetrics } from './events-gateway.metrics';
import { eventsGatewayMigrations } from './events-gateway.migrations';
import { Outbox } from './events-gateway.outbox';
import { Rehearsal } from './events-gateway.rehearsal';
import { Relay } from './events-gateway.relay';
import { EventsGatewayService } from './events-gateway.service';
import { EventsGatewaySettings } from './events-gateway.settings';
import { SignatureVerifier } from './events-gateway.signature';
import { IngestStreamService } from './events-gateway.stream.service';
import { Throttle } from './events-gateway.throttle';
import { WarmUp } from './events-gateway.warmup';
import { EventsGatewayWorker } from './events-gateway.worker';

@Module({
  imports: [AsyncModule, BusModule, ContractModule, DbModule, LifecycleModule],
  controllers: [EventsGatewayHttpController, EventsGatewayGrpcController],
  providers: [
    EventsGatewayService,
    { provide: EventsGatewayApi, useExisting: EventsGatewayService },
    Intake,
    SignatureVerifier,
    Throttle,
    Gatekeeper,
    Journal,
    JournalRepository,
    DeadLettersRepository,
    Outbox,
    Relay,
    IngestStreamService,
    EventsGatewayWorker,
    WarmUp,
    Rehearsal,
    IngestRoute,
    EventsGatewayMetrics,
    ...eventsGatewayMetrics,
    FairnessCallMetrics,
    ...fairnessCallMetrics,
  ],
  exports: [EventsGatewayApi],
})
export class EventsGatewayModule {}

export const eventsGatewayFeature: Feature = {
  contract: eventsGatewayContract,
  docs: eventsGatewayDocs,
  module: EventsGatewayModule,
  migrations: eventsGatewayMigrations,
  settings: EventsGatewaySettings,
  needs: [FairnessApi],
};
