import {
  Counter,
  type CounterConfiguration,
  Histogram,
  type HistogramConfiguration,
  type LabelValues,
} from 'prom-client';

// prom-client looks for a child by hashing its labels, and does so for every observation, of `labels()` too: 3 us each,
// nine times an event. Here `labels()` answers what counts by itself, and the registry is told when it is asked.

/** The children of a metric by their labels. */
class Children<Child> {
  private readonly children = new Map<string, Child>();

  constructor(
    private readonly names: readonly string[],
    private readonly make: (labels: LabelValues<string>) => Child,
  ) {}

  /** `given`: as prom-client's `labels` takes them, an object or the values in the order of their names. */
  of(given: readonly unknown[]): Child {
    const [first] = given;
    const named = typeof first === 'object' && first !== null ? (first as LabelValues<string>) : undefined;
    const values = this.names.map((name, i) => String((named ? named[name] : given[i]) ?? ''));
    const key = values.join('\0');
    let child = this.children.get(key);
    if (!child) {
      const absent = (name: string): boolean => named !== undefined && named[name] === undefined;
      const labels = this.names.flatMap((name, i) => (absent(name) ? [] : [[name, values[i]] as const]));
      child = this.make(Object.fromEntries(labels) as LabelValues<string>);
      this.children.set(key, child);
    }
    return child;
  }

  all(): Iterable<Child> {
    return this.children.values();
  }
}

class CounterChild {
  private pending = 0;

  constructor(readonly labels: LabelValues<string>) {}

  inc(count = 1): void {
    if (!(count >= 0)) throw new RangeError(`A counter does not go back by ${count}`);
    this.pending += count;
  }

  /** What has come since the last time. */
  take(): number {
    const { pending } = this;
    this.pending = 0;
    return pending;
  }
}

/** A prom-client counter whose children cost an addition. */
export class BoundCounter<L extends string> extends Counter<L> {
  private readonly children: Children<CounterChild>;

  constructor(options: CounterConfiguration<L>) {
    super(options);
    this.children = new Children<CounterChild>(options.labelNames ?? [], (labels) => new CounterChild(labels));
    const collect = (): void => {
      for (const child of this.children.all()) this.inc(child.labels as LabelValues<L>, child.take());
    };
    Object.assign(this, { collect });
  }

  override labels(...given: unknown[]): Counter.Internal {
    return this.children.of(given);
  }
}

class HistogramChild {
  readonly counts: number[];
  sum = 0;
  count = 0;

  constructor(
    readonly labels: LabelValues<string>,
    private readonly bounds: readonly number[],
  ) {
    this.counts = bounds.map(() => 0);
  }

  observe(value: number): void {
    if (!Number.isFinite(value)) throw new TypeError(`${value} cannot be observed`);
    this.sum += value;
    this.count += 1;
    const { bounds, counts } = this;
    let place = 0;
    while (place < bounds.length && value > (bounds[place] as number)) place += 1;
    // What is larger than all is in the count alone.
    if (place < bounds.length) counts[place] = (counts[place] as number) + 1;
  }

  /** As prom-client tells them: each bucket with those below it. */
  values(name: string): object[] {
    const value = (labels: object, told: number, suffix: string) => ({
      labels: { ...labels, ...this.labels },
      value: told,
      metricName: `${name}_${suffix}`,
    });
    let below = 0;
    const buckets = this.bounds.map((le, i) => {
      below += this.counts[i] ?? 0;
      return value({ le }, below, 'bucket');
    });
    return [
      ...buckets,
      value({ le: '+Inf' }, this.count, 'bucket'),
      value({}, this.sum, 'sum'),
      value({}, this.count, 'count'),
    ];
  }
}

/** A prom-client histogram whose children cost a few comparisons. */
export class BoundHistogram<L extends string> extends Histogram<L> {
  private readonly children: Children<HistogramChild>;

  constructor(private readonly options: HistogramConfiguration<L> & { readonly buckets: number[] }) {
    super(options);
    const { labelNames = [], buckets } = options;
    this.children = new Children<HistogramChild>(labelNames, (labels) => new HistogramChild(labels, buckets));
    if (labelNames.length === 0) this.children.of([]);
    const observe = (first: LabelValues<L> | number, value?: number): void => {
      const child = typeof first === 'number' ? this.children.of([]) : this.children.of([first]);
      child.observe(typeof first === 'number' ? first : (value ?? Number.NaN));
    };
    // prom-client sets them on each histogram.
    Object.assign(this, { observe, get: () => this.told(), getForPromString: () => this.told() });
  }

  override labels(...given: unknown[]): Histogram.Internal<L> {
    return this.children.of(given) as unknown as Histogram.Internal<L>;
  }

  private async told(): Promise<object> {
    const { name, help } = this.options;
    const values = [...this.children.all()].flatMap((child) => child.values(name));
    return { name, help, type: 'histogram', values, aggregator: 'sum' };
  }
}
