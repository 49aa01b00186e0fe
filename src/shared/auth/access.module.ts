import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { AccessGuard } from './access.guard';
import { Authenticator } from './authenticator';
import { Grants } from './grants';
import { StandingRegistry } from './standing';
import { TokenKeys } from './token-keys';
import { Tokens } from './tokens';

@Module({
  providers: [
    Authenticator,
    Grants,
    StandingRegistry,
    Tokens,
    TokenKeys,
    AccessGuard,
    { provide: APP_GUARD, useExisting: AccessGuard },
  ],
  exports: [AccessGuard, Authenticator, Grants, StandingRegistry, Tokens, TokenKeys],
})
export class AccessModule {}
