import { Global, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { AccessGuard } from './access.guard';
import { Authenticator } from './authenticator';
import { StandingRegistry } from './standing';
import { TokenKeys } from './token-keys';
import { Tokens } from './tokens';

@Global()
@Module({
  providers: [Authenticator, StandingRegistry, Tokens, TokenKeys, { provide: APP_GUARD, useClass: AccessGuard }],
  exports: [StandingRegistry, Tokens, TokenKeys],
})
export class AuthModule {}
