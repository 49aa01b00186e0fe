import { Injectable } from '@nestjs/common';
import { Clock } from '../../shared/clock/clock';
import type { JournalEvent } from '../events-gateway/events-gateway.events';
import { FairnessCounters } from './fairness.counters';
import { type Flag, flagOf } from './fairness.findings';
import { FairnessMetrics } from './fairness.metrics';
import { RuleCache } from './fairness.rule-cache';

/** Compares each accepted event's points with what its player is used to. */
@Injectable()
export class FairnessScorer {
  constructor(
    private readonly counters: FairnessCounters,
    private readonly rules: RuleCache,
    private readonly metrics: FairnessMetrics,
    private readonly clock: Clock,
  ) {}

  /** The flags that these events deserve. Each event is judged by those before it, then counted. */
  async score(events: readonly JournalEvent[]): Promise<Flag[]> {
    const { mode, thresholds, version } = this.rules.current.outlier;
    if (mode === 'off') return [];
    const flags: Flag[] = [];
    const found = await this.counters.deviations(events, thresholds.minSamples);
    for (const [i, { id: eventId, playerId }] of events.entries()) {
      const deviations = found[i] ?? 0;
      if (deviations <= thresholds.maxDeviations) continue;
      this.metrics.decided('outlier', 'flag', mode);
      if (mode === 'shadow') continue;
      const evidence = { observed: Math.round(deviations * 1000) / 1000, threshold: thresholds.maxDeviations };
      flags.push(
        flagOf({ rule: 'outlier', ruleVersion: version }, { playerId, eventId }, evidence, this.clock.steady()),
      );
    }
    return flags;
  }
}
