import { Module } from '@nestjs/common';
import type { Feature } from '../../shared/contract/feature';
import { DbModule } from '../../shared/db/db.module';
import { UsersApi } from '../users/users.api';
import { HelloApi, helloContract } from './hello.api';
import { helloDocs } from './hello.docs';
import { greetingsTable } from './hello.entity';
import { HelloGrpcController } from './hello.grpc.controller';
import { HelloHttpController } from './hello.http.controller';
import { helloMigrations } from './hello.migrations';
import { HelloRepository } from './hello.repository';
import { HelloService } from './hello.service';
import { HelloSettings } from './hello.settings';

@Module({
  imports: [DbModule],
  providers: [HelloService, { provide: HelloApi, useExisting: HelloService }, HelloRepository],
  exports: [HelloApi],
})
export class HelloModule {}

export const helloFeature: Feature = {
  contract: helloContract,
  docs: helloDocs,
  module: HelloModule,
  doors: { controllers: [HelloHttpController, HelloGrpcController] },
  entities: [greetingsTable],
  migrations: helloMigrations,
  settings: HelloSettings,
  needs: [UsersApi],
};
