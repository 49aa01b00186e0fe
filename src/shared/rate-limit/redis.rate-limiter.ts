import type { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import type { Limit } from '../errors/app-error';
import type { RedisClient } from '../redis/redis.client';
import { RedisPatience } from '../redis/redis.patience';
import { RateLimiter, type Taken } from './rate-limiter';

const prefix = 'aerie:rate';

/**
 * Counts in Redis, for all processes together. While Redis does not answer within 150 ms, `insurance` counts in each process
 * for itself: more gets through then, but never without a limit. Whoever counts several times waits for it once.
 */
export class RedisRateLimiter extends RateLimiter {
  private readonly limiters = new Map<string, RateLimiterRedis>();

  private constructor(
    private readonly flexible: typeof import('rate-limiter-flexible'),
    private readonly client: RedisClient,
    private readonly insurance: RateLimiter,
    private readonly patience: RedisPatience,
  ) {
    super();
  }

  static async open(client: RedisClient, insurance: RateLimiter, answerMs?: number): Promise<RedisRateLimiter> {
    // Loaded only where there is a Redis.
    return new RedisRateLimiter(await import('rate-limiter-flexible'), client, insurance, new RedisPatience(answerMs));
  }

  override async take(limit: Limit, key: string): Promise<Taken> {
    if (!this.patience.worthwhile) return this.insurance.take(limit, key);
    try {
      return toTaken(limit, await this.patience.wait(this.limiterOf(limit).consume(key)));
    } catch (thrown) {
      // The library throws for one too many as well.
      if (thrown instanceof this.flexible.RateLimiterRes) return toTaken(limit, thrown);
      return this.insurance.take(limit, key);
    }
  }

  private limiterOf(limit: Limit): RateLimiterRedis {
    const known = this.limiters.get(limit.name);
    if (known) return known;
    const { name, max: points, windowSeconds: duration } = limit;
    const options = { storeClient: this.client, rejectIfRedisNotReady: true, points, duration };
    const made = new this.flexible.RateLimiterRedis({ ...options, keyPrefix: `${prefix}:${name}` });
    this.limiters.set(name, made);
    return made;
  }
}

function toTaken(limit: Limit, { consumedPoints, msBeforeNext }: RateLimiterRes): Taken {
  return {
    limit,
    exceeded: consumedPoints > limit.max,
    remaining: Math.max(0, limit.max - consumedPoints),
    resetMs: Math.max(0, msBeforeNext),
  };
}
