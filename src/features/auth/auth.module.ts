import { Module } from '@nestjs/common';
import { AsyncModule } from '../../shared/async/async.module';
import { AccessModule } from '../../shared/auth/access.module';
import type { Feature } from '../../shared/contract/feature';
import { DbModule } from '../../shared/db/db.module';
import { RateLimitModule } from '../../shared/rate-limit/rate-limit.module';
import { UsersApi } from '../users/users.api';
import { AuthApi, authContract } from './auth.api';
import { Checker } from './auth.checker';
import { authDocs } from './auth.docs';
import { Entrance } from './auth.entrance';
import { AuthGrpcController } from './auth.grpc.controller';
import { AuthHttpController } from './auth.http.controller';
import { JwksController } from './auth.jwks.controller';
import { JwksService } from './auth.jwks.service';
import { AuthMetrics, authMetrics } from './auth.metrics';
import { authMigrations } from './auth.migrations';
import { authPages } from './auth.pages';
import { Passwords } from './auth.passwords';
import { Pruner } from './auth.pruner';
import { Registrar } from './auth.registrar';
import { Registrations } from './auth.registrations';
import { RegistrationsRepository } from './auth.registrations.repository';
import { AuthRepository } from './auth.repository';
import { AuthSecrets } from './auth.secrets';
import { AuthService } from './auth.service';
import { authRules } from './auth.settings';
import { AccountStanding } from './auth.standing';
import { Sweeper } from './auth.sweeper';
import { Throttle } from './auth.throttle';
import { AuthWorker } from './auth.worker';

@Module({
  imports: [AccessModule, AsyncModule, DbModule, RateLimitModule],
  controllers: [AuthHttpController, AuthGrpcController, JwksController],
  providers: [
    AuthService,
    { provide: AuthApi, useExisting: AuthService },
    Entrance,
    Throttle,
    Registrar,
    Registrations,
    Checker,
    Passwords,
    AuthSecrets,
    AccountStanding,
    JwksService,
    AuthRepository,
    RegistrationsRepository,
    Pruner,
    Sweeper,
    AuthWorker,
    AuthMetrics,
    ...authMetrics,
  ],
  exports: [AuthApi],
})
export class AuthModule {}

export const authFeature: Feature = {
  contract: authContract,
  docs: authDocs,
  logged: ['role'],
  pages: authPages,
  module: AuthModule,
  migrations: authMigrations,
  databaseAlias: 'MYSQL_DSN',
  rules: authRules,
  needs: [UsersApi],
};
