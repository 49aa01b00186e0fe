import { Injectable, type OnModuleInit } from '@nestjs/common';
import { asInternal } from '../../shared/auth/caller';
import { type Role, Standing, StandingRegistry } from '../../shared/auth/standing';
import { AuthApi } from './auth.api';

/** Answers for accounts in a process without them. */
@Injectable()
export class StandingElsewhere extends Standing implements OnModuleInit {
  constructor(
    private readonly registry: StandingRegistry,
    private readonly auth: AuthApi,
  ) {
    super();
  }

  onModuleInit(): void {
    this.registry.register(this);
  }

  override async roleOf(userId: string, tokenId: string): Promise<Role | undefined> {
    const { role } = await asInternal(() => this.auth.getStanding({ userId, tokenId }));
    return role as Role | undefined;
  }
}
