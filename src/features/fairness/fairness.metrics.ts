import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { Counter, Gauge, Histogram } from 'prom-client';
import { counter, duration, gauge } from '../../shared/metrics/metrics';
import { initialRules } from './fairness.rules';

/** `refuse`: the player is blocked, or the event is worth too much; `throttle`: too many; the rest is what follows. */
export type Action = 'throttle' | 'refuse' | 'block' | 'flag';

const kinds = [{ kind: 'block' }, { kind: 'flag' }];

export const fairnessMetrics = [
  counter('fairness_decisions_total', 'What rules did, or would do in shadow mode', ['rule', 'action', 'mode']),
  counter(
    'anomaly_flags_total',
    'Flags raised',
    ['rule'],
    Object.keys(initialRules).map((rule) => ({ rule })),
  ),
  counter(
    'fairness_findings_not_saved_total',
    'Blocks and flags that could not be written when they were found',
    ['kind'],
    kinds,
  ),
  counter('fairness_findings_dropped_total', 'Blocks and flags given up', ['kind'], kinds),
  gauge('fairness_findings_waiting', 'Blocks and flags that wait to be written'),
  duration('fairness_check_duration_seconds', 'Judging one group of events'),
];

@Injectable()
export class FairnessMetrics {
  private readonly children = new Map<string, Counter.Internal>();

  constructor(
    @InjectMetric('fairness_decisions_total') private readonly decisions: Counter<'rule' | 'action' | 'mode'>,
    @InjectMetric('anomaly_flags_total') private readonly flags: Counter<'rule'>,
    @InjectMetric('fairness_findings_not_saved_total') private readonly unsaved: Counter<'kind'>,
    @InjectMetric('fairness_findings_dropped_total') private readonly givenUp: Counter<'kind'>,
    @InjectMetric('fairness_findings_waiting') private readonly unwritten: Gauge,
    @InjectMetric('fairness_check_duration_seconds') private readonly checkDuration: Histogram,
  ) {}

  decided(rule: string, action: Action, mode: string): void {
    const key = `${rule} ${action} ${mode}`;
    const child = this.children.get(key) ?? this.decisions.labels({ rule, action, mode });
    this.children.set(key, child);
    child.inc();
  }

  flagged(rule: string): void {
    this.flags.inc({ rule });
  }

  notSaved(kind: 'block' | 'flag'): void {
    this.unsaved.inc({ kind });
  }

  dropped(kind: 'block' | 'flag'): void {
    this.givenUp.inc({ kind });
  }

  waiting(count: number): void {
    this.unwritten.set(count);
  }

  checked(milliseconds: number): void {
    this.checkDuration.observe(milliseconds / 1000);
  }
}
