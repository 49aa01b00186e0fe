import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Clock } from '../clock/clock';
import type { Limit } from '../errors/app-error';
import { RateLimiter, type Taken } from './rate-limiter';

interface Window {
  readonly endsAt: number;
  count: number;
}

// About 20 MB. Above it the keys that were tried longest ago are forgotten: those that somebody tries hard stay.
const maxKeys = 100_000;

/**
 * Counts in this process. Not rate-limiter-flexible's RateLimiterMemory: that one holds an entry and a timer for every key
 * that anybody makes up, without a bound.
 */
@Injectable()
export class MemoryRateLimiter extends RateLimiter {
  private readonly windows = new LRUCache<string, Window>({ max: maxKeys });

  constructor(private readonly clock: Clock) {
    super();
  }

  override async take(limit: Limit, key: string): Promise<Taken> {
    // Whole milliseconds: fractions do not add up, and who comes back when told to would come too early.
    const now = Math.floor(this.clock.monotonic());
    const name = `${limit.name}:${key}`;
    const known = this.windows.get(name);
    const window = known && known.endsAt > now ? known : { endsAt: now + limit.windowSeconds * 1000, count: 0 };
    window.count += 1;
    this.windows.set(name, window);
    return {
      limit,
      exceeded: window.count > limit.max,
      remaining: Math.max(0, limit.max - window.count),
      resetMs: window.endsAt - now,
    };
  }
}
