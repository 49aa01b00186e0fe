import { Injectable } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { Metrics } from '../../shared/metrics/metrics';

@Injectable()
export class ProgressionMetrics {
  private readonly events;
  private readonly levelUpsTotal;
  private readonly claimed;
  private readonly lag;
  private readonly applyDuration;
  private readonly children = new Map<string, Counter.Internal>();

  constructor(metrics: Metrics) {
    this.events = metrics.counter('progression_events_total', 'Events applied', ['type']);
    this.levelUpsTotal = metrics.counter('progression_level_ups_total', 'Levels reached');
    this.claimed = metrics.counter('rewards_claimed_total', 'Rewards claimed', ['kind']);
    this.lag = metrics.duration('progression_lag_seconds', 'From accepted to visible');
    this.applyDuration = metrics.duration('progression_apply_duration_seconds', 'Applying one group of events');
  }

  applied(type: string, lagMs: number): void {
    const child = this.children.get(type) ?? this.events.labels({ type });
    this.children.set(type, child);
    child.inc();
    this.lag.observe(Math.max(0, lagMs) / 1000);
  }

  appliedGroup(milliseconds: number): void {
    this.applyDuration.observe(milliseconds / 1000);
  }

  levelUps(levels: number): void {
    if (levels > 0) this.levelUpsTotal.inc(levels);
  }

  claim(kind: string): void {
    this.claimed.inc({ kind });
  }
}
