import type { Config } from '../../../src/shared/config/config';
import { HeavyReads } from '../../../src/shared/db/heavy-reads';
import { Metrics } from '../../../src/shared/metrics/metrics';

const rateLimited = expect.objectContaining({
  kind: 'throttled',
  code: 'rate_limited',
  details: { retryAfterMs: 1000 },
});

function readsOf(heavyReads: number, poolMax: number): HeavyReads {
  return new HeavyReads({ database: { heavyReads, poolMax } } as Config, new Metrics());
}

/** Reads that end when they are told to, in the order in which they began. */
function crowd(reads: HeavyReads, size: number) {
  const begun: number[] = [];
  const finish: (() => void)[] = [];
  const outcomes = Array.from({ length: size }, (_, i) =>
    reads
      .run(() => {
        begun.push(i);
        return new Promise<number>((resolve) => finish.push(() => resolve(i)));
      })
      .catch((error: unknown) => error),
  );
  return { begun, finish, outcomes };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test.each([
  [4, 20, 4],
  [4, 5, 4],
  [4, 4, 3],
  [4, 2, 1],
  [4, 1, 1],
  [1, 20, 1],
])(
  'of %d and a pool of %d, %d at once: a connection is left to others; four times as many wait',
  async (max, pool, atOnce) => {
    const { begun, finish, outcomes } = crowd(readsOf(max, pool), 40);
    await settled();
    expect(begun).toHaveLength(atOnce);
    for (let done = 0; done < atOnce * 5; done++) {
      finish[done]?.();
      await settled();
    }
    // In the order in which they came.
    expect(begun).toEqual(Array.from({ length: atOnce * 5 }, (_, i) => i));
    const answers = await Promise.all(outcomes);
    expect(answers.slice(0, atOnce * 5)).toEqual(begun);
    for (const answer of answers.slice(atOnce * 5)) expect(answer).toEqual(rateLimited);
  },
);

test('a read that fails leaves its place to the next one', async () => {
  const reads = readsOf(1, 20);
  const failing = reads.run(() => Promise.reject(new Error('no')));
  const next = reads.run(() => Promise.resolve('yes'));
  await expect(failing).rejects.toThrow('no');
  expect([await next, await reads.run(() => Promise.resolve('again'))]).toEqual(['yes', 'again']);
});

test('who has waited for 3 s is sent away, and holds no place', async () => {
  jest.useFakeTimers({ doNotFake: ['setImmediate'] });
  try {
    const reads = readsOf(1, 20);
    const { begun, finish, outcomes } = crowd(reads, 3);
    await settled();
    jest.advanceTimersByTime(3000);
    expect(await Promise.all(outcomes.slice(1))).toEqual([rateLimited, rateLimited]);
    finish[0]?.();
    await settled();
    expect(begun).toEqual([0]);
    expect(await reads.run(() => Promise.resolve('free'))).toBe('free');
  } finally {
    jest.useRealTimers();
  }
});
