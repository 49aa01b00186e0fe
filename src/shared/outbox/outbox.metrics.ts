import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { Gauge } from 'prom-client';
import { SharedCall } from '../async/shared-call';
import { within } from '../async/within';
import { Clock } from '../clock/clock';
import { gauge } from '../metrics/metrics';
import type { OutboxRepository } from './outbox.repository';

const labels = ['feature', 'consumer'] as const;

export const outboxMetrics = [
  gauge('outbox_waiting', 'Announcements that a consumer has not handled', labels),
  gauge('outbox_lag_seconds', 'Age of the oldest announcement that a consumer has not handled', labels),
  gauge('outbox_parked', 'Announcements that a consumer has given up', labels),
];

// Of a scrape: what is not known by then stays as it was.
const limitMs = 1000;

/** Asks how much waits in each outbox, whenever somebody wants to know. */
@Injectable()
export class OutboxMetrics {
  private readonly asks: (() => Promise<void>)[] = [];
  private readonly asked = new SharedCall(async () => {
    await Promise.allSettled(this.asks.map((ask) => within(ask(), limitMs)));
  });

  constructor(
    @InjectMetric('outbox_waiting') private readonly waiting: Gauge<'feature' | 'consumer'>,
    @InjectMetric('outbox_lag_seconds') private readonly lag: Gauge<'feature' | 'consumer'>,
    @InjectMetric('outbox_parked') private readonly parked: Gauge<'feature' | 'consumer'>,
    private readonly clock: Clock,
  ) {
    const collect = (): Promise<void> => this.asked.run();
    for (const each of [waiting, lag, parked]) Object.assign(each, { collect });
  }

  watch(feature: string, rows: OutboxRepository): void {
    this.asks.push(async () => {
      const counts = await rows.counts();
      for (const each of [this.waiting, this.lag, this.parked]) each.reset();
      for (const { consumer, waiting, since, parked } of counts) {
        this.waiting.set({ feature, consumer }, waiting);
        this.parked.set({ feature, consumer }, parked);
        this.lag.set({ feature, consumer }, waiting === 0 ? 0 : Math.max(0, this.clock.steady() - since) / 1000);
      }
    });
  }
}
