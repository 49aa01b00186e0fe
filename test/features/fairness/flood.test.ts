import fc from 'fast-check';
import { Flood } from '../../../src/features/fairness/fairness.flood';
import { Strikes } from '../../../src/features/fairness/fairness.strikes';

// SPEC 3: at most so many accepted events of a player within any 1,000 ms; refused ones do not count; bounded memory.

const playerId = 'player-1';

function sent(flood: Flood, ids: readonly string[], at: number, max = 10): number[] {
  return ids.map((id) => flood.take(playerId, id, at, max));
}

const ids = (from: number, count: number): string[] => Array.from({ length: count }, (_, i) => `e-${from + i}`);

test('the 11th within a second waits until the oldest is a second old', () => {
  const flood = new Flood();
  expect(sent(flood, ids(0, 1), 0)).toEqual([0]);
  expect(sent(flood, ids(1, 9), 400)).toEqual(new Array(9).fill(0));
  expect(sent(flood, ['x'], 999)).toEqual([1]);
  expect(sent(flood, ['x', 'y'], 1000)).toEqual([0, 400]);
});

test('at one instant the wait is exactly a second, whatever fraction the clock has', () => {
  expect(sent(new Flood(), ids(0, 11), 1000.1).at(-1)).toBe(1000);
});

test('what was refused does not count', () => {
  const flood = new Flood();
  sent(flood, ids(0, 10), 0);
  for (let at = 100; at < 1000; at += 10) expect(flood.take(playerId, `refused-${at}`, at, 10)).toBe(1000 - at);
  expect(sent(flood, ids(100, 11), 1000)).toEqual([...new Array(10).fill(0), 1000]);
});

test('an id that is counted is allowed again and counted once, also when the window is full', () => {
  const flood = new Flood();
  expect(sent(flood, [...ids(0, 5), ...ids(0, 5), ...ids(5, 5)], 0)).toEqual(new Array(15).fill(0));
  expect(sent(flood, [...ids(0, 10), 'new'], 500)).toEqual([...new Array(10).fill(0), 500]);
});

test('each player has a window of its own, over the change of generations', () => {
  const flood = new Flood();
  for (let at = 0; at < 5000; at += 130)
    for (const player of ['a', 'b', 'c']) expect(flood.take(player, `${player}-${at}`, at, 8)).toBe(0);
});

test('a lower limit counts what was allowed before', () => {
  const flood = new Flood();
  for (const [i, id] of ids(0, 10).entries()) flood.take(playerId, id, i * 50, 10);
  // The third from the end was at 350.
  expect(flood.take(playerId, 'x', 500, 3)).toBe(850);
});

interface Attempt {
  readonly player: string;
  readonly id: number;
  readonly wait: number;
}

/** Counted events of one player, which never may lie closer than they do here. */
function tooClose(times: readonly number[], max: number): boolean {
  return times.some((time, i) => (times[i + max] ?? Number.POSITIVE_INFINITY) - time < 1000);
}

test('never more than the limit within any 1,000 ms, in whatever order and with whatever repetitions', () => {
  const attempt: fc.Arbitrary<Attempt> = fc.record({
    player: fc.constantFrom('a', 'b'),
    id: fc.nat(60),
    wait: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 1500 })),
  });
  fc.assert(
    fc.property(fc.array(attempt, { maxLength: 300 }), fc.integer({ min: 1, max: 12 }), (attempts, max) => {
      const flood = new Flood();
      const counted = new Map<string, Map<number, number>>();
      const times = new Map<string, number[]>();
      let at = 0;
      for (const { player, id, wait } of attempts) {
        at += wait;
        const known = counted.get(player) ?? new Map<number, number>();
        counted.set(player, known);
        if (flood.take(player, String(id), at, max) !== 0 || at - (known.get(id) ?? -1000) < 1000) continue;
        known.set(id, at);
        times.set(player, [...(times.get(player) ?? []), at]);
      }
      return ![...times.values()].some((each) => tooClose(each, max));
    }),
    { numRuns: 500 },
  );
});

test('never refuses while fewer than the limit were allowed in the last 1,000 ms', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 200 }), (waits) => {
      const flood = new Flood();
      const allowed: number[] = [];
      let at = 0;
      for (const [i, wait] of waits.entries()) {
        at += wait;
        const recent = allowed.filter((time) => at - time < 1000).length;
        const took = flood.take(playerId, String(i), at, 5) === 0;
        if (took !== recent < 5) return false;
        if (took) allowed.push(at);
      }
      return true;
    }),
  );
});

describe('with 1,000,000 distinct players', () => {
  test('within one second the window keeps 200,000 of them at most and refuses none', () => {
    const flood = new Flood();
    let most = 0;
    let refused = 0;
    for (let i = 0; i < 1_000_000; i += 1) {
      if (flood.take(`player-${i}`, `e-${i}`, i / 1001, 10) > 0) refused += 1;
      most = Math.max(most, flood.size);
    }
    expect(refused).toBe(0);
    expect(most).toBeLessThanOrEqual(200_000);
  });

  test('two seconds later nobody is remembered', () => {
    const flood = new Flood();
    for (let i = 0; i < 1000; i += 1) flood.take(`player-${i}`, `e-${i}`, 0, 10);
    flood.retire(1000);
    expect(flood.size).toBe(1000);
    flood.retire(2000);
    expect(flood.size).toBe(0);
  });

  test('20,000 of those with strikes are remembered, those who had one last', () => {
    const strikes = new Strikes();
    for (let i = 0; i < 1_000_000; i += 1) strikes.add(`player-${i}`, i / 1000, 60_000);
    expect(strikes.size).toBe(20_000);
    expect(strikes.count('player-999999', 1000, 60_000)).toBe(1);
    expect(strikes.count('player-0', 1000, 60_000)).toBe(0);
  });
});

test('a busy player leaves no chain behind: what left the window is not reachable', () => {
  const flood = new Flood();
  for (let i = 0; i < 100_000; i += 1) flood.take(playerId, `e-${i}`, i * 100, 10);
  type Chain = { older?: Chain } | undefined;
  let length = 0;
  const newest = (flood as unknown as { current: Map<string, Chain> }).current.get(playerId);
  for (let sample: Chain = newest; sample; sample = sample.older) length += 1;
  expect(length).toBeLessThanOrEqual(11);
});
