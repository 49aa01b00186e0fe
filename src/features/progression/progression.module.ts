import { Module } from '@nestjs/common';
import { CacheModule } from '../../shared/cache/cache.module';
import { ContractModule } from '../../shared/contract/contract.module';
import type { Feature } from '../../shared/contract/feature';
import { DbModule } from '../../shared/db/db.module';
import { LogModule } from '../../shared/log/log.module';
import { parkedEntity, placeEntity } from '../../shared/log/place.entity';
import { EventsGatewayApi } from '../events-gateway/events-gateway.api';
import { acceptedEvents } from '../events-gateway/events-gateway.events';
import { ProgressionApi, progressionContract } from './progression.api';
import { ProgressionApplier } from './progression.applier';
import { ProgressionConsumer } from './progression.consumer';
import { progressionDocs } from './progression.docs';
import { inbox, playersTable, rewardsTable } from './progression.entity';
import { ProgressionGrpcController } from './progression.grpc.controller';
import { ProgressionHttpController } from './progression.http.controller';
import { ProgressionMetrics, progressionMetrics } from './progression.metrics';
import { progressionMigrations } from './progression.migrations';
import { Receipts } from './progression.receipts';
import { ProgressionRepository } from './progression.repository';
import { ProgressionService } from './progression.service';
import { ProgressionSettings } from './progression.settings';

@Module({
  imports: [LogModule, CacheModule, ContractModule, DbModule],
  providers: [
    ProgressionService,
    { provide: ProgressionApi, useExisting: ProgressionService },
    ProgressionApplier,
    ProgressionConsumer,
    ProgressionRepository,
    ProgressionMetrics,
    ...progressionMetrics,
    Receipts,
  ],
  exports: [ProgressionApi],
})
export class ProgressionModule {}

export const progressionFeature: Feature = {
  contract: progressionContract,
  docs: progressionDocs,
  module: ProgressionModule,
  doors: { controllers: [ProgressionHttpController, ProgressionGrpcController] },
  entities: [inbox, placeEntity('progression'), parkedEntity('progression'), playersTable, rewardsTable],
  migrations: progressionMigrations,
  settings: ProgressionSettings,
  needs: [EventsGatewayApi],
  hears: [acceptedEvents],
};
