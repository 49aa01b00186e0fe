import { Module } from '@nestjs/common';
import { CacheModule } from '../../shared/cache/cache.module';
import { ContractModule } from '../../shared/contract/contract.module';
import type { Feature } from '../../shared/contract/feature';
import { DbModule } from '../../shared/db/db.module';
import { IdempotencyModule } from '../../shared/idempotency/idempotency.module';
import { LockModule } from '../../shared/lock/lock.module';
import { UsersApi, usersContract } from './users.api';
import { UsersCache } from './users.cache';
import { UsersCreator } from './users.creator';
import { UsersGrpcController } from './users.grpc.controller';
import { UsersHttpController } from './users.http.controller';
import { usersMessages } from './users.messages';
import { UsersMetrics, usersMetrics } from './users.metrics';
import { usersMigrations } from './users.migrations';
import { UsersReader } from './users.reader';
import { UsersRepository } from './users.repository';
import { UsersService } from './users.service';
import { UsersWriter } from './users.writer';

@Module({
  imports: [CacheModule, ContractModule, DbModule, IdempotencyModule, LockModule],
  controllers: [UsersHttpController, UsersGrpcController],
  providers: [
    UsersService,
    { provide: UsersApi, useExisting: UsersService },
    UsersCreator,
    UsersReader,
    UsersWriter,
    UsersCache,
    UsersRepository,
    UsersMetrics,
    ...usersMetrics,
  ],
  exports: [UsersApi],
})
export class UsersModule {}

export const usersFeature: Feature = {
  contract: usersContract,
  messages: usersMessages,
  module: UsersModule,
  migrations: usersMigrations,
};
