import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { Gauge } from 'prom-client';
import { ScrapeAsks } from '../async/scrape-asks';
import { Clock } from '../clock/clock';
import { gauge } from '../metrics/metrics';
import type { Log, LogEvent } from './log';
import { countAhead } from './place';
import type { PlaceRepository } from './place.repository';

export const logMetrics = [
  gauge('consumer_lag_events', 'Numbers of the log that a consumer has not passed', ['consumer']),
  gauge('consumer_lag_seconds', 'Age of the oldest event that a consumer has not passed', ['consumer']),
];

interface Lag {
  readonly events: number;
  readonly seconds: number;
}

/** Asks how far behind each consumer is, whenever somebody wants to know. */
@Injectable()
export class LogMetrics {
  private readonly asks: ScrapeAsks;

  constructor(
    @InjectMetric('consumer_lag_events') private readonly events: Gauge<'consumer'>,
    @InjectMetric('consumer_lag_seconds') private readonly seconds: Gauge<'consumer'>,
    private readonly clock: Clock,
  ) {
    this.asks = new ScrapeAsks([events, seconds]);
  }

  watch<Event extends LogEvent>(consumer: string, log: Log<Event>, places: PlaceRepository): void {
    this.asks.add(async () => {
      const lag = await lagOf(log, places, this.clock);
      this.events.set({ consumer }, lag.events);
      this.seconds.set({ consumer }, lag.seconds);
    });
  }
}

/** The log is asked first: what is accepted meanwhile is no lag. */
async function lagOf<Event extends LogEvent>(log: Log<Event>, places: PlaceRepository, clock: Clock): Promise<Lag> {
  const head = await log.head();
  const place = (await places.find()) ?? { seq: 0, id: '', ahead: [] };
  const events = Math.max(0, head - place.seq - countAhead(place));
  if (events === 0) return { events, seconds: 0 };
  const [oldest] = (await log.read(place, 1)).events;
  return { events, seconds: oldest ? Math.max(0, clock.steady() - oldest.acceptedAt) / 1000 : 0 };
}
