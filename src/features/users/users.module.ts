import { Global, Module } from '@nestjs/common';
import type { Feature } from '../../shared/rpc/feature';
import { UsersApi, usersContract } from './users.api';
import { UsersCache } from './users.cache';
import { UsersCreator } from './users.creator';
import { UsersGrpcController } from './users.grpc.controller';
import { UsersHttpController } from './users.http.controller';
import { usersMessages } from './users.messages';
import { UsersMetrics } from './users.metrics';
import { usersMigrations } from './users.migrations';
import { UsersReader } from './users.reader';
import { UsersRepository } from './users.repository';
import { UsersService } from './users.service';
import { UsersWriter } from './users.writer';

@Global()
@Module({
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
