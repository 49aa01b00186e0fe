import { Injectable } from '@nestjs/common';
import type { StatsCount } from '../../generated/aerie/console/v1/console';
import { Metrics } from '../../shared/metrics/metrics';

// Labels are closed sets; an answer stays small also where one is larger than it should be.
const maxRows = 100;

/** What a metric has counted for one set of its labels. */
export interface Figure {
  readonly value: number;
  label(name: string): string;
}

/** The numbers that this process counts, by the names of its metrics. What is not counted here has none. */
@Injectable()
export class Figures {
  constructor(private readonly metrics: Metrics) {}

  /** In the order in which they were first counted. Gauges that ask somebody are asked, and have a second for it. */
  async of(metric: string): Promise<Figure[]> {
    const found = await this.metrics.registry.getSingleMetric(metric)?.get();
    const values = (found?.values ?? []).filter(({ value }) => Number.isFinite(value));
    return values.map(({ value, labels }) => ({
      value,
      label: (name) => String((labels as Record<string, unknown>)[name] ?? ''),
    }));
  }

  /** The one value of a metric without labels; 0 where nothing is counted. */
  async one(metric: string): Promise<number> {
    return (await this.of(metric))[0]?.value ?? 0;
  }

  /** Sums by a label, or by what `nameOf` says of it. */
  async sums(metric: string, label: string, nameOf: (value: string) => string = String): Promise<StatsCount[]> {
    const sums = new Map<string, number>();
    for (const figure of await this.of(metric)) {
      const name = nameOf(figure.label(label));
      sums.set(name, (sums.get(name) ?? 0) + figure.value);
    }
    return bounded([...sums].map(([name, count]) => ({ name, count: whole(count) })));
  }

  /** Metrics without labels under names of their own. */
  async named(metrics: Readonly<Record<string, string>>): Promise<StatsCount[]> {
    const found = await Promise.all(
      Object.entries(metrics).map(async ([name, metric]) =>
        (await this.of(metric)).slice(0, 1).map(({ value }) => ({ name, count: whole(value) })),
      ),
    );
    return found.flat();
  }
}

export function bounded<Row>(rows: readonly Row[]): Row[] {
  return rows.slice(0, maxRows);
}

/** A count as an answer may have it. */
export function whole(value: number): number {
  return Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, Math.round(value)));
}
