import { Module } from '@nestjs/common';
import { AsyncModule } from '../../shared/async/async.module';
import { BusModule } from '../../shared/bus/bus.module';
import { ContractModule } from '../../shared/contract/contract.module';
import type { Feature } from '../../shared/contract/feature';
import { DbModule } from '../../shared/db/db.module';
import { IdempotencyModule } from '../../shared/idempotency/idempotency.module';
import { FairnessApi, fairnessContract } from './fairness.api';
import { Blocklist } from './fairness.blocklist';
import { BlocksRepository } from './fairness.blocks.repository';
import { Checker } from './fairness.checker';
import { fairnessDocs } from './fairness.docs';
import { FindingsRepository } from './fairness.findings.repository';
import { FlagsRepository } from './fairness.flags.repository';
import { FairnessGrpcController } from './fairness.grpc.controller';
import { FairnessHttpController } from './fairness.http.controller';
import { Judge } from './fairness.judge';
import { FairnessListener } from './fairness.listener';
import { FairnessMetrics, fairnessMetrics } from './fairness.metrics';
import { fairnessMigrations } from './fairness.migrations';
import { Players } from './fairness.players';
import { Pruner } from './fairness.pruner';
import { Recorder } from './fairness.recorder';
import { Rulebook } from './fairness.rulebook';
import { RulesRepository } from './fairness.rules.repository';
import { Scorer } from './fairness.scorer';
import { FairnessService } from './fairness.service';
import { Upkeep } from './fairness.upkeep';
import { FairnessWorker } from './fairness.worker';

@Module({
  imports: [AsyncModule, BusModule, ContractModule, DbModule, IdempotencyModule],
  controllers: [FairnessHttpController, FairnessGrpcController],
  providers: [
    FairnessService,
    { provide: FairnessApi, useExisting: FairnessService },
    Checker,
    Judge,
    Rulebook,
    Blocklist,
    Recorder,
    Players,
    Scorer,
    FairnessListener,
    Upkeep,
    Pruner,
    FairnessWorker,
    RulesRepository,
    BlocksRepository,
    FlagsRepository,
    FindingsRepository,
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
  migrations: fairnessMigrations,
};
