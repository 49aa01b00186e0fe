import type { Gauge } from 'prom-client';
import { SharedCall } from './shared-call';
import { within } from './within';

// Of a scrape: what is not known by then stays as it was.
const limitMs = 1000;

/** Gauges whose values are asked for when somebody scrapes them: each question once for all of them, and never for long. */
export class ScrapeAsks {
  private readonly asks: (() => Promise<void>)[] = [];
  private readonly asked = new SharedCall(async () => {
    await Promise.allSettled(this.asks.map((ask) => within(ask(), limitMs)));
  });

  constructor(gauges: readonly Gauge<string>[]) {
    const collect = (): Promise<void> => this.asked.run();
    for (const each of gauges) Object.assign(each, { collect });
  }

  /** `ask` finds the values out and sets them. */
  add(ask: () => Promise<void>): void {
    this.asks.push(ask);
  }
}
