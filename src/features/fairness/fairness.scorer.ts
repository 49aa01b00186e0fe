import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Clock } from '../../shared/clock/clock';
import type { JournalEvent } from '../events-gateway/events-gateway.events';
import { type Flag, flagOf } from './fairness.findings';
import { FairnessMetrics } from './fairness.metrics';
import { RuleCache } from './fairness.rule-cache';

// About 10 MB. Whoever sent nothing for longest starts anew.
const maxPlayers = 50_000;
// Somebody who always sends the same has no deviation; a few points more are no anomaly.
const minDeviation = 1;

/** Running mean and sum of squared differences. Source: Welford 1962, doi:10.1080/00401706.1962.10490022 */
interface Samples {
  count: number;
  mean: number;
  squares: number;
}

/** Compares each accepted event's points with what its player is used to. Knows what this process has seen. */
@Injectable()
export class FairnessScorer {
  private readonly players = new LRUCache<string, Samples>({ max: maxPlayers });

  constructor(
    private readonly rules: RuleCache,
    private readonly metrics: FairnessMetrics,
    private readonly clock: Clock,
  ) {}

  /** The flags that these events deserve. Each event is judged by those before it, then counted. */
  score(events: readonly JournalEvent[]): Flag[] {
    const { mode, thresholds, version } = this.rules.current.outlier;
    if (mode === 'off') return [];
    const flags: Flag[] = [];
    for (const { id: eventId, playerId, points } of events) {
      const deviations = this.deviations(playerId, points, thresholds.minSamples);
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

  /** Players who are remembered. */
  get size(): number {
    return this.players.size;
  }

  /** The distance of the points from the mean of those before, in standard deviations; 0 until there are `minSamples`. */
  private deviations(playerId: string, points: number, minSamples: number): number {
    const samples = this.players.get(playerId) ?? { count: 0, mean: 0, squares: 0 };
    const distance = points - samples.mean;
    const deviation = samples.count < 2 ? 0 : Math.sqrt(samples.squares / (samples.count - 1));
    const score = samples.count < minSamples ? 0 : Math.abs(distance) / Math.max(deviation, minDeviation);
    samples.count += 1;
    samples.mean += distance / samples.count;
    samples.squares += distance * (points - samples.mean);
    if (samples.count === 1) this.players.set(playerId, samples);
    return score;
  }
}
