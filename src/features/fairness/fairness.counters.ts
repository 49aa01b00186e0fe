import { LRUCache } from 'lru-cache';
import type { CheckedEvent } from '../../generated/aerie/fairness/v1/fairness';
import type { Clock } from '../../shared/clock/clock';
import { Flood } from './fairness.flood';
import type { Rules } from './fairness.rules';
import { Strikes } from './fairness.strikes';

/** `wait`: 0, or the milliseconds until there is room for the event. `strikes`: those that count, if this is one; else 0. */
export interface Counted {
  readonly wait: number;
  readonly strikes: number;
}

/** An event's points, as a sample of what its player is used to. */
export interface Sample {
  readonly playerId: string;
  readonly points: number;
}

/**
 * Counts what players send: with a Redis for all processes together, else in each for itself. Bounded; whoever sent nothing
 * for longest may be forgotten, which allows more and never refuses wrongly.
 */
export abstract class FairnessCounters {
  /**
   * Counts events, in order, unless so many of their player were counted within the last second; one that is counted already
   * is counted once. In enforce mode a player whose strikes are too many is not counted on. At once where nobody is asked.
   */
  abstract count(
    events: readonly CheckedEvent[],
    rule: Rules['flood'],
  ): readonly Counted[] | Promise<readonly Counted[]>;
  /** A player's strikes that still count. */
  abstract strikesOf(playerId: string, rule: Rules['flood']): Promise<number>;
  abstract forgive(playerId: string): Promise<void>;
  /**
   * For each sample its distance from the mean of its player's samples before it, in standard deviations; 0 until there are
   * `minSamples`. Then it is one of them. Running mean and sum of squared differences. Source: Welford 1962,
   * doi:10.1080/00401706.1962.10490022
   */
  abstract deviations(samples: readonly Sample[], minSamples: number): Promise<readonly number[]>;
  /** Frees what no longer counts, also when nobody sends events. */
  abstract sweep(): void;
}

// Somebody who always sends the same has no deviation; a few points more are no anomaly.
export const minDeviation = 1;

const counted: Counted = Object.freeze({ wait: 0, strikes: 0 });
// About 10 MB.
const maxSampled = 50_000;

interface Samples {
  count: number;
  mean: number;
  squares: number;
}

/** Counts what this process is asked. */
export class MemoryFairnessCounters extends FairnessCounters {
  private readonly flood = new Flood();
  // In shadow mode strikes are counted apart: they must not weigh once the rule is enforced.
  private readonly strikes = { enforce: new Strikes(), shadow: new Strikes() };
  private readonly samples = new LRUCache<string, Samples>({ max: maxSampled });

  constructor(private readonly clock: Clock) {
    super();
  }

  override count(events: readonly CheckedEvent[], { mode, thresholds }: Rules['flood']): readonly Counted[] {
    const { maxEvents, maxStrikes, strikeWindowSeconds } = thresholds;
    const strikes = mode === 'shadow' ? this.strikes.shadow : this.strikes.enforce;
    // Whole milliseconds, as in Redis: fractions do not add up, and who comes back when told to would come too early.
    const at = Math.floor(this.clock.monotonic());
    let over: Set<string> | undefined;
    return events.map(({ playerId, eventId }) => {
      if (over?.has(playerId)) return counted;
      const wait = this.flood.take(playerId, eventId, at, maxEvents);
      if (wait === 0) return counted;
      const count = strikes.add(playerId, at, strikeWindowSeconds * 1000);
      if (count >= maxStrikes) {
        strikes.forget(playerId);
        if (mode === 'enforce') over = (over ?? new Set()).add(playerId);
      }
      return { wait, strikes: count };
    });
  }

  override async strikesOf(playerId: string, { thresholds }: Rules['flood']): Promise<number> {
    return this.strikes.enforce.count(playerId, this.clock.monotonic(), thresholds.strikeWindowSeconds * 1000);
  }

  override async forgive(playerId: string): Promise<void> {
    this.strikes.enforce.forget(playerId);
  }

  override async deviations(samples: readonly Sample[], minSamples: number): Promise<readonly number[]> {
    return samples.map(({ playerId, points }) => this.deviation(playerId, points, minSamples));
  }

  override sweep(): void {
    this.flood.retire(this.clock.monotonic());
  }

  /** Players of whom something is remembered: in the window, with strikes, with samples. */
  get sizes(): { readonly window: number; readonly strikes: number; readonly samples: number } {
    const { enforce, shadow } = this.strikes;
    return { window: this.flood.size, strikes: enforce.size + shadow.size, samples: this.samples.size };
  }

  private deviation(playerId: string, points: number, minSamples: number): number {
    const samples = this.samples.get(playerId) ?? { count: 0, mean: 0, squares: 0 };
    const distance = points - samples.mean;
    const deviation = samples.count < 2 ? 0 : Math.sqrt(samples.squares / (samples.count - 1));
    const score = samples.count < minSamples ? 0 : Math.abs(distance) / Math.max(deviation, minDeviation);
    samples.count += 1;
    samples.mean += distance / samples.count;
    samples.squares += distance * (points - samples.mean);
    if (samples.count === 1) this.samples.set(playerId, samples);
    return score;
  }
}
