import { Injectable } from '@nestjs/common';
import type { LoginRequest, RegisterRequest, Session } from '../../generated/aerie/auth/v1/auth';
import { Tokens } from '../../shared/auth/tokens';
import { answer } from '../../shared/contract/answer';
import { AppError } from '../../shared/errors/app-error';
import { toAppError } from '../../shared/errors/to-app-error';
import { Checker, type Known } from './auth.checker';
import { AuthMetrics } from './auth.metrics';
import { Registrar } from './auth.registrar';
import { Throttle } from './auth.throttle';

/** The two ways in, each with its limits and counted; whoever gets in has a token. */
@Injectable()
export class Entrance {
  constructor(
    private readonly throttle: Throttle,
    private readonly registrar: Registrar,
    private readonly checker: Checker,
    private readonly tokens: Tokens,
    private readonly metrics: AuthMetrics,
  ) {}

  register(request: RegisterRequest): Promise<Session> {
    return this.counted('registration', () =>
      this.enter(request.email, async () => ({ user: await this.registrar.register(request), role: 'player' })),
    );
  }

  login(request: LoginRequest): Promise<Session> {
    return this.counted('login', () => this.enter(request.email, () => this.checker.check(request)));
  }

  private async enter(email: string, identify: () => Promise<Known>): Promise<Session> {
    const limits = await this.throttle.take(email);
    try {
      const { user, role } = await identify();
      const accessToken = await this.tokens.issue(user.id, role);
      const session = { accessToken, tokenType: 'Bearer', expiresIn: this.tokens.ttlSeconds, user };
      return answer(session, { limits, secret: true });
    } catch (error) {
      throw error instanceof AppError ? error.withLimits(limits) : error;
    }
  }

  private async counted(what: 'login' | 'registration', work: () => Promise<Session>): Promise<Session> {
    try {
      const session = await work();
      this.metrics.tried(what, 'ok');
      return session;
    } catch (error) {
      this.metrics.tried(what, toAppError(error).kind);
      throw error;
    }
  }
}
