import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Standing, StandingRegistry } from '../../shared/auth/standing';
import { UsersApi } from '../users/users.api';
import { existingUser } from './auth.existence';
import { type AccountRole, AuthRepository } from './auth.repository';

/** Whether a token still holds: its account is there, its user too, and nobody has logged out with it. */
@Injectable()
export class AccountStanding extends Standing implements OnModuleInit {
  constructor(
    private readonly registry: StandingRegistry,
    private readonly repository: AuthRepository,
    private readonly users: UsersApi,
  ) {
    super();
  }

  onModuleInit(): void {
    this.registry.register(this);
  }

  override async roleOf(userId: string, jti: string): Promise<AccountRole | undefined> {
    const [role, exists] = await Promise.all([this.repository.roleOf(userId, jti), existingUser(this.users, userId)]);
    return exists ? role : undefined;
  }
}
