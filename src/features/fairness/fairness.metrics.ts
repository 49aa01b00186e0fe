import { Injectable } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { Metrics } from '../../shared/metrics/metrics';
import { initialRules } from './fairness.rules';

/** `refuse`: the player is blocked, or the event is worth too much; `throttle`: too many; the rest is what follows. */
export type Action = 'throttle' | 'refuse' | 'block' | 'flag';

@Injectable()
export class FairnessMetrics {
  private readonly decisions;
  private readonly flags;
  private readonly checkDuration;
  private readonly children = new Map<string, Counter.Internal>();

  constructor(metrics: Metrics) {
    this.decisions = metrics.counter('fairness_decisions_total', 'What rules did, or would do in shadow mode', [
      'rule',
      'action',
      'mode',
    ]);
    const rules = Object.keys(initialRules).map((rule) => ({ rule }));
    this.flags = metrics.counter('anomaly_flags_total', 'Flags raised', ['rule'], rules);
    this.checkDuration = metrics.duration('fairness_check_duration_seconds', 'Judging one group of events');
  }

  decided(rule: string, action: Action, mode: string): void {
    const key = `${rule} ${action} ${mode}`;
    const child = this.children.get(key) ?? this.decisions.labels({ rule, action, mode });
    this.children.set(key, child);
    child.inc();
  }

  flagged(rule: string): void {
    this.flags.inc({ rule });
  }

  checked(milliseconds: number): void {
    this.checkDuration.observe(milliseconds / 1000);
  }
}
