import { Injectable } from '@nestjs/common';
import { Metrics } from '../metrics/metrics';

/** `lock` is the kind of thing that was locked ("user" of "user:<id>"), never its id. */
@Injectable()
export class LockMetrics {
  private readonly waits;
  private readonly timeouts;
  private readonly losses;

  constructor(metrics: Metrics) {
    this.waits = metrics.duration('lock_wait_seconds', 'Until a lock was held, or refused', ['lock']);
    this.timeouts = metrics.counter('lock_timeouts_total', 'Locks refused because others held them too long', ['lock']);
    this.losses = metrics.counter('lock_lost_total', 'Locks that ran out while they were held', ['lock']);
  }

  waited(key: string, ms: number): void {
    this.waits.observe({ lock: kindOf(key) }, ms / 1000);
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
