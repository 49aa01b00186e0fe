import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { Counter, Gauge, Histogram } from 'prom-client';
import { ScrapeAsks } from '../../shared/async/scrape-asks';
import { AppError } from '../../shared/errors/app-error';
import { counter, duration, gauge, waitBuckets } from '../../shared/metrics/metrics';

export const queueMetrics = [
  counter('queue_operations_total', 'Calls of the waiting room', ['operation', 'status']),
  gauge('queue_waiting', 'Tickets that wait, or wait for the draw, in all rooms'),
  gauge('queue_present', 'Of them present'),
  counter('queue_admissions_total', 'Grants that were given'),
  duration('queue_wait_seconds', 'From joining to being called', [], waitBuckets),
  duration('queue_eta_error_seconds', 'By how much the first estimate was wrong', [], waitBuckets),
];

export const queueWatchMetrics = [
  gauge('queue_watchers', 'Streams that watch a place in a waiting room'),
  counter('queue_watchers_refused_total', 'Streams for which there was no place', ['reason']),
];

type Operation = 'join' | 'enter' | 'leave';

@Injectable()
export class QueueMetrics {
  private readonly asks: ScrapeAsks;

  constructor(
    @InjectMetric('queue_operations_total') private readonly operations: Counter<'operation' | 'status'>,
    @InjectMetric('queue_waiting') private readonly waiting: Gauge,
    @InjectMetric('queue_present') private readonly present: Gauge,
    @InjectMetric('queue_admissions_total') private readonly admissions: Counter,
    @InjectMetric('queue_wait_seconds') private readonly waits: Histogram,
    @InjectMetric('queue_eta_error_seconds') private readonly etaErrors: Histogram,
  ) {
    this.asks = new ScrapeAsks([waiting, present]);
  }

  /** `levels` tells how many wait, and how many of them are present. */
  watch(levels: () => Promise<{ readonly waiting: number; readonly present: number }>): void {
    this.asks.add(async () => {
      const { waiting, present } = await levels();
      this.waiting.set(waiting);
      this.present.set(present);
    });
  }

  /** Counts what becomes of `work`: `ok`, or the code of its error. */
  async operation<T>(operation: Operation, work: () => Promise<T>): Promise<T> {
    try {
      const done = await work();
      this.operations.inc({ operation, status: 'ok' });
      return done;
    } catch (error) {
      this.operations.inc({ operation, status: error instanceof AppError ? error.code : 'internal' });
      throw error;
    }
  }

  admitted(): void {
    this.admissions.inc();
  }

  /** Milliseconds that it waited, and by which the first estimate was wrong, where there was one. */
  called(waitedMs: number, wrongMs: number | undefined): void {
    this.waits.observe(Math.max(0, waitedMs) / 1000);
    if (wrongMs !== undefined) this.etaErrors.observe(wrongMs / 1000);
  }
}
