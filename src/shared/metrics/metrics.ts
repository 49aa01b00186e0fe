import { type FactoryProvider, Injectable } from '@nestjs/common';
import { getToken } from '@willsoto/nestjs-prometheus';
import { type Counter, collectDefaultMetrics, Gauge, type Histogram, Registry } from 'prom-client';
import { BoundCounter, BoundHistogram } from './bound';

/** Seconds; the same for every duration of work, so that panels can be compared. */
export const durationBuckets = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
/** Seconds for which somebody waits, or has something: up to two hours. */
export const waitBuckets = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200];
const sizeBuckets = [64, 256, 1024, 4096, 16_384, 65_536, 262_144];

// Gauges of prom-client's own that are named as counters are; the same numbers, by type, have the names without _total.
const misnamed = ['resources', 'handles', 'requests'].map((what) => `nodejs_active_${what}_total`);

/** The metrics of one application. A registry of its own: two applications in one process do not share counters. */
@Injectable()
export class Metrics {
  readonly registry = new Registry();

  constructor() {
    collectDefaultMetrics({ register: this.registry });
    for (const name of misnamed) this.registry.removeSingleMetric(name);
  }

  /** `known`: labels that are told as 0 before anything happens, so that the first time is an increase, too. */
  counter<L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[] = [],
    known: readonly Record<L, string>[] = [],
  ): Counter<L> {
    const counter = new BoundCounter({ name, help, labelNames, registers: [this.registry] });
    for (const labels of known) counter.inc(labels, 0);
    return counter;
  }

  gauge<L extends string>(name: string, help: string, labelNames: readonly L[] = []): Gauge<L> {
    return new Gauge({ name, help, labelNames, registers: [this.registry] });
  }

  /** Observes seconds. */
  duration<L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[] = [],
    buckets: readonly number[] = durationBuckets,
  ): Histogram<L> {
    return new BoundHistogram({ name, help, labelNames, buckets: [...buckets], registers: [this.registry] });
  }

  /** Observes bytes. */
  size<L extends string>(name: string, help: string, labelNames: readonly L[] = []): Histogram<L> {
    return new BoundHistogram({ name, help, labelNames, buckets: sizeBuckets, registers: [this.registry] });
  }
}

/** A provider of a counter of this application, for `@InjectMetric(name)`; see Metrics.counter. */
export function counter<L extends string>(
  name: string,
  help: string,
  labelNames?: readonly L[],
  known?: readonly Record<L, string>[],
): FactoryProvider<Counter<L>> {
  return provider(name, (metrics) => metrics.counter(name, help, labelNames, known));
}

/** A provider of a gauge, for `@InjectMetric(name)`. */
export function gauge<L extends string>(
  name: string,
  help: string,
  labelNames?: readonly L[],
): FactoryProvider<Gauge<L>> {
  return provider(name, (metrics) => metrics.gauge(name, help, labelNames));
}

/** A provider of a histogram of seconds, for `@InjectMetric(name)`. `buckets`: where it is not the time of work. */
export function duration<L extends string>(
  name: string,
  help: string,
  labelNames?: readonly L[],
  buckets?: readonly number[],
): FactoryProvider<Histogram<L>> {
  return provider(name, (metrics) => metrics.duration(name, help, labelNames, buckets));
}

/** A provider of a histogram of bytes, for `@InjectMetric(name)`. */
export function size<L extends string>(
  name: string,
  help: string,
  labelNames?: readonly L[],
): FactoryProvider<Histogram<L>> {
  return provider(name, (metrics) => metrics.size(name, help, labelNames));
}

// The library's own makers of providers put every metric into the global registry.
function provider<T>(name: string, make: (metrics: Metrics) => T): FactoryProvider<T> {
  return { provide: getToken(name), inject: [Metrics], useFactory: make };
}
