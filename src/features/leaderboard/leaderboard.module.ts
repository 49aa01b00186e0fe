import { Module } from '@nestjs/common';
import { AsyncModule } from '../../shared/async/async.module';
import { ContractModule } from '../../shared/contract/contract.module';
import type { Feature } from '../../shared/contract/feature';
import { DbModule } from '../../shared/db/db.module';
import { LifecycleModule } from '../../shared/lifecycle/lifecycle.module';
import { LogModule } from '../../shared/log/log.module';
import { EventsGatewayApi } from '../events-gateway/events-gateway.api';
import { acceptedEvents } from '../events-gateway/events-gateway.events';
import { LeaderboardApi, leaderboardContract } from './leaderboard.api';
import { BoardCache } from './leaderboard.boards';
import { WindowCalendar } from './leaderboard.calendar';
import { WindowCloser } from './leaderboard.closer';
import { LeaderboardConsumer } from './leaderboard.consumer';
import { leaderboardDocs } from './leaderboard.docs';
import { leaderboardTables } from './leaderboard.entity';
import { LeaderboardGrpcController } from './leaderboard.grpc.controller';
import { LeaderboardHttpController } from './leaderboard.http.controller';
import { LeaderboardMetrics, leaderboardMetrics, leaderboardWatchMetrics } from './leaderboard.metrics';
import { leaderboardMigrations } from './leaderboard.migrations';
import { LeaderboardRepository } from './leaderboard.repository';
import { LeaderboardScoring } from './leaderboard.scoring';
import { LeaderboardService } from './leaderboard.service';
import { LeaderboardSettings } from './leaderboard.settings';
import { PeriodicSnapshots } from './leaderboard.snapshots';
import { SnapshotsRepository } from './leaderboard.snapshots.repository';
import { LeaderboardWatch } from './leaderboard.watch';
import { LeaderboardWindows } from './leaderboard.windows';
import { LeaderboardWorker } from './leaderboard.worker';

@Module({
  imports: [AsyncModule, LogModule, ContractModule, DbModule, LifecycleModule],
  providers: [
    LeaderboardService,
    { provide: LeaderboardApi, useExisting: LeaderboardService },
    WindowCalendar,
    LeaderboardWindows,
    BoardCache,
    LeaderboardRepository,
    SnapshotsRepository,
    LeaderboardScoring,
    LeaderboardConsumer,
    WindowCloser,
    PeriodicSnapshots,
    LeaderboardWorker,
    LeaderboardMetrics,
    ...leaderboardMetrics,
  ],
  exports: [LeaderboardApi],
})
export class LeaderboardModule {}

export const leaderboardFeature: Feature = {
  contract: leaderboardContract,
  docs: leaderboardDocs,
  logged: ['window'],
  module: LeaderboardModule,
  doors: {
    controllers: [LeaderboardHttpController, LeaderboardGrpcController],
    imports: [ContractModule, LifecycleModule],
    providers: [LeaderboardWatch, ...leaderboardWatchMetrics],
  },
  entities: leaderboardTables,
  migrations: leaderboardMigrations,
  settings: LeaderboardSettings,
  needs: [EventsGatewayApi],
  hears: [acceptedEvents],
};
