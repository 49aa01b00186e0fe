import { Injectable } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import type {
  Account,
  LoginRequest,
  LogoutResponse,
  AuthService as Proto,
  RegisterRequest,
  Session,
  SetRoleRequest,
  VerifyResponse,
} from '../../generated/aerie/auth/v1/auth';
import { currentCaller, presentedToken, principalOf } from '../../shared/auth/caller';
import { toTime } from '../../shared/clock/time';
import { UsersApi } from '../users/users.api';
import { Entrance } from './auth.entrance';
import { accountNotFound } from './auth.errors';
import { type AccountRole, AuthRepository } from './auth.repository';

@Injectable()
export class AuthService implements Proto {
  constructor(
    private readonly entrance: Entrance,
    private readonly repository: AuthRepository,
    private readonly users: UsersApi,
    private readonly logger: PinoLogger,
  ) {}

  register(request: RegisterRequest): Promise<Session> {
    return this.entrance.register(request);
  }

  login(request: LoginRequest): Promise<Session> {
    return this.entrance.login(request);
  }

  async verify(): Promise<VerifyResponse> {
    const { userId, role, expiresAt } = presentedToken();
    return { user: await this.users.getUser({ id: userId }), role, expiresAt: toTime(expiresAt) };
  }

  async logout(): Promise<LogoutResponse> {
    const { userId, jti, expiresAt } = presentedToken();
    await this.repository.revoke({ jti, userId, expiresAt });
    this.logger.info({ player_id: userId }, 'logged_out');
    return {};
  }

  async setRole({ userId, role }: SetRoleRequest): Promise<Account> {
    await this.users.getUser({ id: userId });
    if (!(await this.repository.setRole(userId, role as AccountRole))) throw accountNotFound(userId);
    this.logger.info({ player_id: userId, role, by: principalOf(currentCaller()) }, 'role_changed');
    return { userId, role };
  }
}
