import { Module } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { AsyncModule } from '../../shared/async/async.module';
import { BusModule } from '../../shared/bus/bus.module';
import { Clock } from '../../shared/clock/clock';
import { ContractModule } from '../../shared/contract/contract.module';
import type { Feature } from '../../shared/contract/feature';
import { DbModule } from '../../shared/db/db.module';
import { IdempotencyModule } from '../../shared/idempotency/idempotency.module';
import { Metrics } from '../../shared/metrics/metrics';
import { RedisClients } from '../../shared/redis/redis.clients';
import { RedisModule } from '../../shared/redis/redis.module';
import { acceptedEvents } from '../events-gateway/events-gateway.events';
import { FairnessApi, fairnessContract } from './fairness.api';
import { BlockCache } from './fairness.block-cache';
import { FairnessCounters, MemoryFairnessCounters } from './fairness.counters';
import { fairnessDocs } from './fairness.docs';
import { blocksTable, flagsTable, keysTable, rulesTable } from './fairness.entity';
import { FairnessGrpcController } from './fairness.grpc.controller';
import { FairnessHttpController } from './fairness.http.controller';
import { FairnessJudge } from './fairness.judge';
import { FairnessListener } from './fairness.listener';
import { FairnessMetrics, fairnessMetrics } from './fairness.metrics';
import { fairnessMigrations } from './fairness.migrations';
import { FairnessRecorder } from './fairness.recorder';
import { RedisFairnessCounters } from './fairness.redis-counters';
import { FairnessRepository } from './fairness.repository';
import { RuleCache } from './fairness.rule-cache';
import { FairnessScorer } from './fairness.scorer';
import { FairnessService } from './fairness.service';
import { FairnessWorker } from './fairness.worker';

function counters({ main }: RedisClients, clock: Clock, logger: PinoLogger, metrics: Metrics): FairnessCounters {
  const memory = new MemoryFairnessCounters(clock);
  return main ? new RedisFairnessCounters(main, memory, logger, metrics) : memory;
}

@Module({
  imports: [AsyncModule, BusModule, ContractModule, DbModule, IdempotencyModule, RedisModule],
  providers: [
    FairnessService,
    { provide: FairnessApi, useExisting: FairnessService },
    { provide: FairnessCounters, inject: [RedisClients, Clock, PinoLogger, Metrics], useFactory: counters },
    FairnessJudge,
    RuleCache,
    BlockCache,
    FairnessRecorder,
    FairnessScorer,
    FairnessRepository,
    FairnessListener,
    FairnessWorker,
    FairnessMetrics,
    ...fairnessMetrics,
  ],
  exports: [FairnessApi],
})
export class FairnessModule {}

export const fairnessFeature: Feature = {
  contract: fairnessContract,
  docs: fairnessDocs,
  logged: ['rule', 'mode', 'flag_id', 'verdict', 'kept'],
  module: FairnessModule,
  doors: { controllers: [FairnessHttpController, FairnessGrpcController] },
  entities: [rulesTable, blocksTable, flagsTable, keysTable],
  migrations: fairnessMigrations,
  hears: [acceptedEvents],
};
