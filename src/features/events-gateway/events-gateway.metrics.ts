import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { Counter, Histogram } from 'prom-client';
import { counter, duration } from '../../shared/metrics/metrics';
import { consumers } from './events-gateway.consumers';

export const eventsGatewayMetrics = [
  counter('events_ingested_total', 'Events answered', ['type', 'status']),
  duration('events_ingest_duration_seconds', 'From verification to durable'),
  counter('dropped_events_total', 'Events that were not accepted', ['reason'], [{ reason: 'unavailable' }]),
  counter(
    'dead_letters_total',
    'Events given up',
    ['consumer'],
    consumers.map((consumer) => ({ consumer })),
  ),
  counter('events_fairness_requests_total', 'Groups of events shown to fairness', ['status']),
  duration('events_fairness_duration_seconds', 'Until fairness has judged a group'),
];

@Injectable()
export class EventsGatewayMetrics {
  // Children are looked up once: hashing labels for every event costs a microsecond.
  private readonly children = new Map<string, Counter.Internal>();

  constructor(
    @InjectMetric('events_ingested_total') private readonly ingestedTotal: Counter<'type' | 'status'>,
    @InjectMetric('events_ingest_duration_seconds') private readonly ingestDuration: Histogram,
    @InjectMetric('dropped_events_total') private readonly dropped: Counter<'reason'>,
    @InjectMetric('dead_letters_total') private readonly deadLetters: Counter<'consumer'>,
    @InjectMetric('events_fairness_requests_total') private readonly fairnessRequests: Counter<'status'>,
    @InjectMetric('events_fairness_duration_seconds') private readonly fairnessDuration: Histogram,
  ) {}

  ingested(type: string, status: 'accepted' | 'duplicate', count = 1): void {
    const key = `${type} ${status}`;
    const child = this.children.get(key) ?? this.ingestedTotal.labels({ type, status });
    this.children.set(key, child);
    child.inc(count);
  }

  /** `code` is an error's code: a closed set. */
  refused(code: string, count = 1): void {
    this.dropped.inc({ reason: code }, count);
  }

  took(milliseconds: number): void {
    this.ingestDuration.observe(milliseconds / 1000);
  }

  askedFairness(status: 'ok' | 'failed', milliseconds: number): void {
    this.fairnessRequests.inc({ status });
    this.fairnessDuration.observe(milliseconds / 1000);
  }

  parked(consumer: string): void {
    this.deadLetters.inc({ consumer });
  }
}
