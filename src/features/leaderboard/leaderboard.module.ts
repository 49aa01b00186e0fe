import { Module } from '@nestjs/common';
import { AsyncModule } from '../../shared/async/async.module';
import { BusModule } from '../../shared/bus/bus.module';
import { ContractModule } from '../../shared/contract/contract.module';
import type { Feature } from '../../shared/contract/feature';
import { DbModule } from '../../shared/db/db.module';
import { LifecycleModule } from '../../shared/lifecycle/lifecycle.module';
import { EventsGatewayApi } from '../events-gateway/events-gateway.api';
import { LeaderboardApi, leaderboardContract } from './leaderboard.api';
import { LeaderboardApplier } from './leaderboard.applier';
import { Boards } from './leaderboard.boards';
import { Calendar } from './leaderboard.calendar';
import { Closer } from './leaderboard.closer';
import { leaderboardDocs } from './leaderboard.docs';
import { LeaderboardGrpcController } from './leaderboard.grpc.controller';
import { LeaderboardHttpController } from './leaderboard.http.controller';
import { LeaderboardListener } from './leaderboard.listener';
import { LeaderboardMetrics, leaderboardMetrics } from './leaderboard.metrics';
import { leaderboardMigrations } from './leaderboard.migrations';
import { Photographer } from './leaderboard.photographer';
import { Pruner } from './leaderboard.pruner';
import { BoardReader } from './leaderboard.reader';
import { ScoresRepository } from './leaderboard.scores.repository';
import { LeaderboardService } from './leaderboard.service';
import { LeaderboardSettings } from './leaderboard.settings';
import { SnapshotReader } from './leaderboard.snapshot-reader';
import { SnapshotsRepository } from './leaderboard.snapshots.repository';
import { Verifier } from './leaderboard.verifier';
import { WatchLeaderboardService } from './leaderboard.watch.service';
import { Windows } from './leaderboard.windows';
import { WindowsRepository } from './leaderboard.windows.repository';
import { LeaderboardWorker } from './leaderboard.worker';

@Module({
  imports: [AsyncModule, BusModule, ContractModule, DbModule, LifecycleModule],
  controllers: [LeaderboardHttpController, LeaderboardGrpcController],
  providers: [
    LeaderboardService,
    { provide: LeaderboardApi, useExisting: LeaderboardService },
    WatchLeaderboardService,
    Calendar,
    Windows,
    Boards,
    BoardReader,
    SnapshotReader,
    Verifier,
    WindowsRepository,
    ScoresRepository,
    SnapshotsRepository,
    LeaderboardApplier,
    LeaderboardListener,
    Closer,
    Photographer,
    Pruner,
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
  migrations: leaderboardMigrations,
  settings: LeaderboardSettings,
  needs: [EventsGatewayApi],
};
