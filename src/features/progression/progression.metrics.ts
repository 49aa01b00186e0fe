import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { Counter, Histogram } from 'prom-client';
import { counter, duration } from '../../shared/metrics/metrics';

export const progressionMetrics = [
  counter('progression_events_total', 'Events applied', ['type']),
  counter('progression_level_ups_total', 'Levels reached'),
  counter('rewards_claimed_total', 'Rewards claimed', ['kind']),
  duration('progression_lag_seconds', 'From accepted to visible'),
  duration('progression_apply_duration_seconds', 'Applying one group of events'),
];

@Injectable()
export class ProgressionMetrics {
  private readonly children = new Map<string, Counter.Internal>();

  constructor(
    @InjectMetric('progression_events_total') private readonly events: Counter<'type'>,
    @InjectMetric('progression_level_ups_total') private readonly levelUpsTotal: Counter,
    @InjectMetric('rewards_claimed_total') private readonly claimed: Counter<'kind'>,
    @InjectMetric('progression_lag_seconds') private readonly lag: Histogram,
    @InjectMetric('progression_apply_duration_seconds') private readonly applyDuration: Histogram,
  ) {}

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
