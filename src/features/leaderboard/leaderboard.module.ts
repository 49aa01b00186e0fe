import { Injectable, Module } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { AsyncModule } from '../../shared/async/async.module';
import { Clock } from '../../shared/clock/clock';
import { Config } from '../../shared/config/config';
import { ContractModule } from '../../shared/contract/contract.module';
import type { Feature } from '../../shared/contract/feature';
import { DbModule } from '../../shared/db/db.module';
import { LifecycleModule } from '../../shared/lifecycle/lifecycle.module';
import { LogModule } from '../../shared/log/log.module';
import { Metrics } from '../../shared/metrics/metrics';
import { RedisClients } from '../../shared/redis/redis.clients';
import { RedisModule } from '../../shared/redis/redis.module';
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
import { LeaderboardIndex } from './leaderboard.index';
import { LeaderboardMetrics, leaderboardMetrics, leaderboardWatchMetrics } from './leaderboard.metrics';
import { leaderboardMigrations } from './leaderboard.migrations';
import { RedisBoards } from './leaderboard.redis-boards';
import { LeaderboardRepository } from './leaderboard.repository';
import { LeaderboardScoring } from './leaderboard.scoring';
import { LeaderboardService } from './leaderboard.service';
import { LeaderboardSettings, leaderboardRules } from './leaderboard.settings';
import { PeriodicSnapshots } from './leaderboard.snapshots';
import { SnapshotsRepository } from './leaderboard.snapshots.repository';
import { LeaderboardWatch } from './leaderboard.watch';
import { LeaderboardWindows } from './leaderboard.windows';
import { LeaderboardWorker } from './leaderboard.worker';

/** What every kind of index stands on. */
@Injectable()
class LeaderboardIndexParts {
  constructor(
    readonly repository: LeaderboardRepository,
    readonly clock: Clock,
    readonly logger: PinoLogger,
    readonly metrics: Metrics,
    readonly boardMetrics: LeaderboardMetrics,
  ) {}
}

/** In Redis where it is told so, or where several processes have the same boards. */
function index(
  { instances }: Config,
  { index: told }: LeaderboardSettings,
  { main }: RedisClients,
  { repository, clock, logger, metrics, boardMetrics }: LeaderboardIndexParts,
): LeaderboardIndex {
  const isShared = (instances[leaderboardContract.name] ?? 1) > 1;
  if (main && (told ?? (isShared ? 'redis' : 'memory')) === 'redis')
    return new RedisBoards(main, repository, clock, logger, metrics);
  return new BoardCache(repository, boardMetrics, clock, logger);
}

@Module({
  imports: [AsyncModule, LogModule, ContractModule, DbModule, LifecycleModule, RedisModule],
  providers: [
    LeaderboardService,
    { provide: LeaderboardApi, useExisting: LeaderboardService },
    WindowCalendar,
    LeaderboardWindows,
    {
      provide: LeaderboardIndex,
      inject: [Config, LeaderboardSettings, RedisClients, LeaderboardIndexParts],
      useFactory: index,
    },
    LeaderboardIndexParts,
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
  rules: leaderboardRules,
  needs: [EventsGatewayApi],
  hears: [acceptedEvents],
};
