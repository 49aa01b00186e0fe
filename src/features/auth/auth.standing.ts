import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { User } from '../../generated/aerie/users/v1/users';
import { asInternal } from '../../shared/auth/caller';
import { Standing, StandingRegistry } from '../../shared/auth/standing';
import { AppError } from '../../shared/errors/app-error';
import { UsersApi } from '../users/users.api';
import type { AccountRole } from './auth.entity';
import { AuthRepository } from './auth.repository';

/** A token holds while its account is there, its user too, and nobody has logged out with it. */
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
    this.repository.tell((userId) => this.registry.forget(userId));
  }

  override roleOf(userId: string, tokenId: string): Promise<AccountRole | undefined> {
    return roleOf(this.repository, this.users, { userId, tokenId });
  }
}

/** Read from the database, as `Standing.roleOf`. @throws AppError unavailable */
export async function roleOf(
  repository: AuthRepository,
  users: UsersApi,
  { userId, tokenId }: { readonly userId: string; readonly tokenId: string },
): Promise<AccountRole | undefined> {
  const [role, exists] = await Promise.all([repository.roleOf(userId, tokenId), existingUser(users, userId)]);
  return exists ? role : undefined;
}

/** The user, no matter who asks; undefined when there is none. @throws AppError unavailable */
export async function existingUser(users: UsersApi, id: string): Promise<User | undefined> {
  try {
    return await asInternal(() => users.getUser({ id }));
  } catch (error) {
    if (error instanceof AppError && error.kind === 'not_found') return undefined;
    throw error;
  }
}
