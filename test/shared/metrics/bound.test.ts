import { Counter, Histogram, Registry } from 'prom-client';
import { BoundCounter, BoundHistogram } from '../../../src/shared/metrics/bound';

// What is told is what prom-client itself would tell, whichever way something was counted.

const buckets = [0.1, 1, 5];
const samples = Array.from({ length: 500 }, (_, i) => ({
  labels: { route: `/r${i % 3}`, status: String(200 + (i % 2)) },
  value: [0, 0.05, 0.1, 0.7, 1, 4.999, 5, 5.001, 1e9][i % 9] as number,
}));

test('a counter', async () => {
  const [ours, theirs] = [new Registry(), new Registry()];
  const options = { name: 'things_total', help: 'Things "quoted"', labelNames: ['route', 'status'] as const };
  const bound = new BoundCounter({ ...options, registers: [ours] });
  const plain = new Counter({ ...options, registers: [theirs] });
  for (const [i, { labels, value }] of samples.entries()) {
    plain.inc(labels, Math.ceil(value));
    if (i % 3 === 0) bound.inc(labels, Math.ceil(value));
    else if (i % 3 === 1) bound.labels(labels).inc(Math.ceil(value));
    else bound.labels(labels.route, labels.status).inc(Math.ceil(value));
    if (i % 100 === 50) expect(sorted(await ours.metrics())).toEqual(sorted(await theirs.metrics()));
  }
  bound.labels('/once', '1').inc();
  plain.labels('/once', '1').inc();
  expect(sorted(await ours.metrics())).toEqual(sorted(await theirs.metrics()));
  expect(() => bound.labels('/once', '1').inc(-1)).toThrow(RangeError);
});

test('a counter and a histogram without labels, before and after something was counted', async () => {
  const [ours, theirs] = [new Registry(), new Registry()];
  const bound = [
    new BoundCounter({ name: 'c_total', help: 'c', registers: [ours] }),
    new BoundHistogram({ name: 'h', help: 'h', buckets, registers: [ours] }),
  ] as const;
  const plain = [
    new Counter({ name: 'c_total', help: 'c', registers: [theirs] }),
    new Histogram({ name: 'h', help: 'h', buckets, registers: [theirs] }),
  ] as const;
  expect(await ours.metrics()).toBe(await theirs.metrics());
  for (const [counter, histogram] of [bound, plain]) {
    counter.inc();
    counter.inc(4);
    histogram.observe(0.5);
    histogram.labels().observe(7);
  }
  expect(await ours.metrics()).toBe(await theirs.metrics());
});

test('a histogram', async () => {
  const [ours, theirs] = [new Registry(), new Registry()];
  const options = { name: 'took_seconds', help: 'It took', labelNames: ['route', 'status'] as const, buckets };
  const bound = new BoundHistogram({ ...options, registers: [ours] });
  const plain = new Histogram({ ...options, registers: [theirs] });
  for (const [i, { labels, value }] of samples.entries()) {
    plain.observe(labels, value);
    if (i % 2 === 0) bound.observe(labels, value);
    else bound.labels(labels).observe(value);
  }
  expect(sorted(await ours.metrics())).toEqual(sorted(await theirs.metrics()));
  expect((await bound.get()).values).toEqual(expect.arrayContaining((await plain.get()).values.map(withoutExtras)));
  expect(() => bound.labels('/r0', '200').observe(Number.NaN)).toThrow(TypeError);
});

function sorted(text: string): string[] {
  return text.split('\n').sort();
}

function withoutExtras({ labels, value, metricName }: { labels: object; value: number; metricName?: string }): object {
  return { labels, value, metricName };
}
