import { Injectable } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { Metrics } from '../../shared/metrics/metrics';
import { consumers } from './events-gateway.consumers';

@Injectable()
export class EventsGatewayMetrics {
  private readonly ingestedTotal;
  private readonly ingestDuration;
  private readonly dropped;
  private readonly relayLag;
  private readonly deadLetters;
  // Children are looked up once: hashing labels for every event costs a microsecond.
  private readonly children = new Map<string, Counter.Internal>();

  constructor(metrics: Metrics) {
    this.ingestedTotal = metrics.counter('events_ingested_total', 'Events answered', ['type', 'status']);
    this.ingestDuration = metrics.duration('events_ingest_duration_seconds', 'From verification to durable');
    this.dropped = metrics.counter('dropped_events_total', 'Events that were not accepted', ['reason']);
    this.relayLag = metrics.gauge('events_relay_lag_seconds', 'Age of the event that is due longest');
    const known = consumers.map((consumer) => ({ consumer }));
    this.deadLetters = metrics.counter('dead_letters_total', 'Events given up', ['consumer'], known);
  }

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

  lag(milliseconds: number): void {
    this.relayLag.set(milliseconds / 1000);
  }

  parked(consumer: string): void {
    this.deadLetters.inc({ consumer });
  }
}
