import { Module } from '@nestjs/common';
import { AccessModule } from '../../shared/auth/access.module';
import { CacheModule } from '../../shared/cache/cache.module';
import { ContractModule } from '../../shared/contract/contract.module';
import type { Feature } from '../../shared/contract/feature';
import { DbModule } from '../../shared/db/db.module';
import { IdempotencyModule } from '../../shared/idempotency/idempotency.module';
import { LockModule } from '../../shared/lock/lock.module';
import { UsersApi, usersContract } from './users.api';
import { UsersCache } from './users.cache';
import { usersDocs } from './users.docs';
import { usersKeysTable, usersTable } from './users.entity';
import { UsersGrpcController } from './users.grpc.controller';
import { UsersHttpController } from './users.http.controller';
import { UsersMetrics, usersMetrics } from './users.metrics';
import { usersMigrations } from './users.migrations';
import { UsersRepository } from './users.repository';
import { UsersService } from './users.service';

@Module({
  imports: [AccessModule, CacheModule, ContractModule, DbModule, IdempotencyModule, LockModule],
  providers: [
    UsersService,
    { provide: UsersApi, useExisting: UsersService },
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
  docs: usersDocs,
  module: UsersModule,
  doors: { controllers: [UsersHttpController, UsersGrpcController] },
  entities: [usersTable, usersKeysTable],
  migrations: usersMigrations,
  databaseAlias: 'MYSQL_DSN',
};
