import { isIPv6 } from 'node:net';
import { Injectable } from '@nestjs/common';
import { AppError, type Limit, type LimitLeft } from '../../shared/errors/app-error';
import { toAppError } from '../../shared/errors/to-app-error';
import { RateLimiter, type Taken } from '../../shared/rate-limit/rate-limiter';
import { currentContext } from '../../shared/tracing/request-context';
import { tooManyTries } from './auth.errors';
import { AuthMetrics } from './auth.metrics';
import { AuthSecrets } from './auth.secrets';

const windowSeconds = 60;
const perAddress: Limit = { name: 'address', max: 20, windowSeconds };
const perAccountAndAddress: Limit = { name: 'account-address', max: 5, windowSeconds };
const perAccount: Limit = { name: 'account', max: 100, windowSeconds };

/** Limits the tries of passwords and registrations in a minute, before anything is hashed or looked up. */
@Injectable()
export class LoginThrottle {
  constructor(
    private readonly limiter: RateLimiter,
    private readonly secrets: AuthSecrets,
    private readonly metrics: AuthMetrics,
  ) {}

  /**
   * Runs `work`, told what is left of the limits, as one try for this address; how it ends is a metric. What `work` throws
   * says what is left, too. @throws AppError rate_limited
   */
  async attempt<Done>(
    what: 'login' | 'registration',
    email: string,
    work: (limits: readonly LimitLeft[]) => Promise<Done>,
  ): Promise<Done> {
    let limits: readonly LimitLeft[] | undefined;
    try {
      limits = await this.take(email);
      const done = await work(limits);
      this.metrics.tried(what, 'ok');
      return done;
    } catch (error) {
      this.metrics.tried(what, toAppError(error).kind);
      throw limits && error instanceof AppError ? error.withLimits(limits) : error;
    }
  }

  /**
   * Counts a try and answers what is left. One that is refused by an earlier limit does not count for the next:
   * nobody locks others out of their account from a single address. @throws AppError rate_limited
   */
  private async take(email: string): Promise<readonly LimitLeft[]> {
    const account = this.secrets.nameOf(email);
    const address = networkOf(currentContext()?.peer ?? '');
    const taken: Taken[] = [];
    for (const [limit, key] of [
      [perAddress, address],
      [perAccountAndAddress, `${account}:${address}`],
      [perAccount, account],
    ] as const) {
      const one = await this.limiter.take(limit, key);
      taken.push(one);
      if (one.exceeded) throw tooManyTries(one.resetMs).withLimits(taken);
    }
    return taken;
  }
}

/** The address, or the network of an IPv6 address: whoever has one of its 2^64 addresses has all of them. */
function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [left = '', right] = (address.split('%')[0] ?? '').split('::');
  const groups = left === '' ? [] : left.split(':');
  // `::` stands for zeros; up to the fourth group the right part matters only in addresses such as 1::2:3:4:5:6.
  const rest = right === undefined || right === '' ? [] : right.split(':');
  const zeros = right === undefined ? [] : new Array<string>(Math.max(0, 8 - groups.length - rest.length)).fill('0');
  const whole = [...groups, ...zeros, ...rest].slice(0, 4);
  return `${whole.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`;
}
