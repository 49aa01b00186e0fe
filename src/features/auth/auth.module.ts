import { Module } from '@nestjs/common';
import { AsyncModule } from '../../shared/async/async.module';
import { AccessModule } from '../../shared/auth/access.module';
import type { Feature } from '../../shared/contract/feature';
import { DbModule } from '../../shared/db/db.module';
import { RateLimitModule } from '../../shared/rate-limit/rate-limit.module';
import { UsersApi } from '../users/users.api';
import { AuthApi, authContract } from './auth.api';
import { authDocs } from './auth.docs';
import { accountsTable, registrationsTable, revocationsTable } from './auth.entity';
import { AuthGrpcController } from './auth.grpc.controller';
import { AuthHttpController } from './auth.http.controller';
import { AuthJwksController, authPages } from './auth.jwks.controller';
import { AuthMetrics, authMetrics } from './auth.metrics';
import { authMigrations } from './auth.migrations';
import { Passwords } from './auth.passwords';
import { AuthRegistrations } from './auth.registrations';
import { AuthRepository } from './auth.repository';
import { AuthSecrets } from './auth.secrets';
import { AuthService } from './auth.service';
import { authRules } from './auth.settings';
import { AccountStanding } from './auth.standing';
import { StandingElsewhere } from './auth.standing-elsewhere';
import { LoginThrottle } from './auth.throttle';
import { AuthWorker } from './auth.worker';

@Module({
  imports: [AccessModule, AsyncModule, DbModule, RateLimitModule],
  providers: [
    AuthService,
    { provide: AuthApi, useExisting: AuthService },
    AuthRegistrations,
    LoginThrottle,
    Passwords,
    AuthSecrets,
    AccountStanding,
    AuthRepository,
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
  doors: { controllers: [AuthHttpController, AuthGrpcController, AuthJwksController], imports: [AccessModule] },
  entities: [accountsTable, revocationsTable, registrationsTable],
  migrations: authMigrations,
  databaseAlias: 'MYSQL_DSN',
  rules: authRules,
  needs: [UsersApi],
  elsewhere: [StandingElsewhere],
};
