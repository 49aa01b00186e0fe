import { Injectable } from '@nestjs/common';
import { Clock } from '../../shared/clock/clock';
import type { Limit, LimitLeft } from '../../shared/errors/app-error';
import { rateLimited } from './events-gateway.errors';
import { EventsGatewaySettings } from './events-gateway.settings';

interface Bucket {
  tokens: number;
  at: number;
}

// Fractions do not add up: who comes back when told to would lack so much of a token.
const rounding = 1e-6;

/**
 * A token bucket for each signing key; as many buckets as the ring has keys. Not rate-limiter-flexible: its windows are
 * fixed, where a bucket fills steadily and is paid off after a large batch, and a call costs 1.0 us of CPU instead of 0.2.
 */
@Injectable()
export class KeyThrottle {
  private readonly buckets = new Map<string, Bucket>();
  private readonly max: number;
  private readonly burst: number;
  private readonly limit: Limit;

  constructor(
    settings: EventsGatewaySettings,
    private readonly clock: Clock,
  ) {
    this.max = settings.rateLimitMax;
    this.burst = settings.rateLimitBurst;
    const windowSeconds = Math.max(1, Math.ceil(this.burst / this.max));
    this.limit = { name: 'events', max: this.burst, windowSeconds };
  }

  /**
   * Takes `events` tokens. A batch larger than the burst passes when the bucket is full, and is paid off afterwards.
   * Answers what is left; undefined when there is no limit. @throws AppError rate_limited
   */
  take(kid: string, events: number): LimitLeft[] | undefined {
    if (this.max === 0) return undefined;
    const now = this.clock.monotonic();
    const bucket = this.buckets.get(kid) ?? { tokens: this.burst, at: now };
    bucket.tokens = Math.min(this.burst, bucket.tokens + ((now - bucket.at) / 1000) * this.max);
    bucket.at = now;
    this.buckets.set(kid, bucket);
    const needed = Math.min(events, this.burst);
    const lacking = needed - bucket.tokens;
    if (lacking > rounding) throw rateLimited((lacking / this.max) * 1000, this.left(bucket));
    bucket.tokens -= events;
    return this.left(bucket);
  }

  private left(bucket: Bucket): LimitLeft[] {
    const resetMs = Math.ceil(Math.max(0, this.burst - bucket.tokens) / this.max) * 1000;
    return [{ limit: this.limit, remaining: Math.max(0, Math.floor(bucket.tokens)), resetMs }];
  }
}
