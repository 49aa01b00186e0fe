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
  private readonly unsaved;
  private readonly children = new Map<string, Counter.Internal>();

  constructor(metrics: Metrics) {
    this.decisions = metrics.counter('fairness_decisions_total', 'What rules did, or would do in shadow mode', [
      'rule',
      'action',
      'mode',
    ]);
    const rules = Object.keys(initialRules).map((rule) => ({ rule }));
    this.flags = metrics.counter('anomaly_flags_total', 'Flags raised', ['rule'], rules);
    const kinds = [{ kind: 'block' }, { kind: 'flag' }];
    this.unsaved = {
      failed: metrics.counter(
        'fairness_findings_not_saved_total',
        'Blocks and flags that could not be written when they were found',
        ['kind'],
        kinds,
      ),
      dropped: metrics.counter('fairness_findings_dropped_total', 'Blocks and flags given up', ['kind'], kinds),
      waiting: metrics.gauge('fairness_findings_waiting', 'Blocks and flags that wait to be written'),
    };
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

  notSaved(kind: 'block' | 'flag'): void {
    this.unsaved.failed.inc({ kind });
  }

  dropped(kind: 'block' | 'flag'): void {
    this.unsaved.dropped.inc({ kind });
  }

  waiting(count: number): void {
    this.unsaved.waiting.set(count);
  }

  checked(milliseconds: number): void {
    this.checkDuration.observe(milliseconds / 1000);
  }
}
