import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { Gauge } from 'prom-client';
import { ScrapeAsks } from '../async/scrape-asks';
import { Clock } from '../clock/clock';
import { gauge } from '../metrics/metrics';
import type { OutboxRepository } from './outbox.repository';

const labels = ['feature', 'consumer'] as const;

export const outboxMetrics = [
  gauge('outbox_waiting', 'Announcements that a consumer has not handled', labels),
  gauge('outbox_lag_seconds', 'Age of the oldest announcement that a consumer has not handled', labels),
  gauge('outbox_parked', 'Announcements that a consumer has given up', labels),
];

/** Asks how much waits in each outbox, whenever somebody wants to know. */
@Injectable()
export class OutboxMetrics {
  private readonly asks: ScrapeAsks;

  constructor(
    @InjectMetric('outbox_waiting') private readonly waiting: Gauge<'feature' | 'consumer'>,
    @InjectMetric('outbox_lag_seconds') private readonly lag: Gauge<'feature' | 'consumer'>,
    @InjectMetric('outbox_parked') private readonly parked: Gauge<'feature' | 'consumer'>,
    private readonly clock: Clock,
  ) {
    this.asks = new ScrapeAsks([waiting, lag, parked]);
  }

  /** `consumers`: who is told of from the beginning. */
  watch(feature: string, consumers: readonly string[], rows: OutboxRepository): void {
    const known = new Set(consumers);
    this.asks.add(async () => {
      const counts = new Map((await rows.counts()).map((count) => [count.consumer, count]));
      for (const consumer of counts.keys()) known.add(consumer);
      // Of whom there is no row any more, nothing waits.
      for (const consumer of known) {
        const { waiting = 0, since = 0, parked = 0 } = counts.get(consumer) ?? {};
        const labels = { feature, consumer };
        this.waiting.set(labels, Number(waiting));
        this.parked.set(labels, Number(parked));
        this.lag.set(labels, Number(waiting) === 0 ? 0 : Math.max(0, this.clock.steady() - since) / 1000);
      }
    });
  }
}
