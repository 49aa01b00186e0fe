import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { Counter, Histogram } from 'prom-client';
import { counter, duration } from '../metrics/metrics';

export const lockMetrics = [
  duration('lock_wait_seconds', 'Until a lock was held, or refused', ['lock']),
  counter('lock_timeouts_total', 'Locks refused because others held them too long', ['lock']),
  counter('lock_lost_total', 'Locks that ran out while they were held', ['lock']),
];

/** `lock` is the kind of thing that was locked ("user" of "user:<id>"), never its id. */
@Injectable()
export class LockMetrics {
  constructor(
    @InjectMetric('lock_wait_seconds') private readonly waits: Histogram<'lock'>,
    @InjectMetric('lock_timeouts_total') private readonly timeouts: Counter<'lock'>,
    @InjectMetric('lock_lost_total') private readonly losses: Counter<'lock'>,
  ) {}

  waited(key: string, ms: number): void {
    const lock = kindOf(key);
    this.waits.observe({ lock }, ms / 1000);
    // Told as 0 from the first time on, so that the first one that is lost is an increase.
    this.losses.labels({ lock }).inc(0);
    this.timeouts.labels({ lock }).inc(0);
  }

  timedOut(key: string): void {
    this.timeouts.inc({ lock: kindOf(key) });
  }

  lost(key: string): void {
    this.losses.inc({ lock: kindOf(key) });
  }
}

function kindOf(key: string): string {
  const colon = key.indexOf(':');
  return colon > 0 ? key.slice(0, colon) : 'other';
}
