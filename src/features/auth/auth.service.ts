import { Injectable } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import type {
  Account,
  GetStandingRequest,
  LoginRequest,
  LogoutResponse,
  AuthService as Proto,
  RegisterRequest,
  Session,
  SetRoleRequest,
  Standing,
  VerifyResponse,
} from '../../generated/aerie/auth/v1/auth';
import type { User } from '../../generated/aerie/users/v1/users';
import { asInternal, currentCaller, presentedToken, principalOf } from '../../shared/auth/caller';
import { Tokens } from '../../shared/auth/tokens';
import { toTime } from '../../shared/clock/time';
import { type AnswerFacts, answer } from '../../shared/contract/answer';
import { UsersApi } from '../users/users.api';
import type { AccountRole } from './auth.entity';
import { accountNotFound, credentialsInvalid } from './auth.errors';
import { Passwords } from './auth.passwords';
import { AuthRegistrations } from './auth.registrations';
import { AuthRepository } from './auth.repository';
import { roleOf } from './auth.standing';
import { LoginThrottle } from './auth.throttle';

// The id of no user: asked for so that unknown users cost as many queries as others.
const nobody = '0'.repeat(26);

/** Users with passwords, and the tokens that they get for them. */
@Injectable()
export class AuthService implements Proto {
  constructor(
    private readonly throttle: LoginThrottle,
    private readonly registrations: AuthRegistrations,
    private readonly passwords: Passwords,
    private readonly repository: AuthRepository,
    private readonly users: UsersApi,
    private readonly tokens: Tokens,
    private readonly logger: PinoLogger,
  ) {}

  /** Makes a user with an account, and logs in. @throws AppError email_taken, rate_limited */
  register(request: RegisterRequest): Promise<Session> {
    return this.throttle.attempt('registration', request.email, async (limits) =>
      this.session(await this.registrations.register(request), 'player', limits),
    );
  }

  /**
   * Every way to be wrong takes the same steps, and with them the same time.
   * @throws AppError credentials_invalid, rate_limited
   */
  login({ email, password }: LoginRequest): Promise<Session> {
    return this.throttle.attempt('login', email, async (limits) => {
      const { users } = await asInternal(() => this.users.listUsers({ email, pageSize: 1 }));
      const [user] = users;
      const account = await this.repository.account(user?.id ?? nobody);
      const right = await this.passwords.verify(account?.passwordHash, password);
      if (user && account && right) return this.session(user, account.role, limits);
      this.logger.debug(user ? { player_id: user.id } : {}, 'login_failed');
      throw credentialsInvalid();
    });
  }

  /** Tells whose token was presented. @throws AppError user_not_found */
  async verify(): Promise<VerifyResponse> {
    const { userId, role, expiresAt } = presentedToken();
    return { user: await this.users.getUser({ id: userId }), role, expiresAt: toTime(expiresAt) };
  }

  /** Ends the token that was presented, everywhere. */
  async logout(): Promise<LogoutResponse> {
    const { userId, jti, expiresAt } = presentedToken();
    await this.repository.revoke({ jti, userId, expiresAt });
    this.logger.info({ player_id: userId }, 'logged_out');
    return {};
  }

  /** The role holds at once, also for tokens that are out. @throws AppError user_not_found, account_not_found */
  async setRole({ userId, role }: SetRoleRequest): Promise<Account> {
    await this.users.getUser({ id: userId });
    if (!(await this.repository.setRole(userId, role as AccountRole))) throw accountNotFound(userId);
    this.logger.info({ player_id: userId, role, by: principalOf(currentCaller()) }, 'role_changed');
    return { userId, role };
  }

  /** Read from the database: whoever asks keeps the answer for a second at most. */
  async getStanding({ userId, tokenId }: GetStandingRequest): Promise<Standing> {
    const role = await roleOf(this.repository, this.users, { userId, tokenId });
    return role === undefined ? {} : { role };
  }

  private async session(user: User, role: AccountRole, limits: AnswerFacts['limits']): Promise<Session> {
    const accessToken = await this.tokens.issue(user.id, role);
    const session = { accessToken, tokenType: 'Bearer', expiresIn: this.tokens.ttlSeconds, user };
    return answer(session, { limits, secret: true });
  }
}
