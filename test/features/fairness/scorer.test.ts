import fc from 'fast-check';
import { MemoryFairnessCounters } from '../../../src/features/fairness/fairness.counters';
import { FairnessMetrics, fairnessMetrics } from '../../../src/features/fairness/fairness.metrics';
import type { RuleCache } from '../../../src/features/fairness/fairness.rule-cache';
import { initialRules, type Mode, type Rules } from '../../../src/features/fairness/fairness.rules';
import { FairnessScorer } from '../../../src/features/fairness/fairness.scorer';
import { HandClock } from '../../support/hand-clock';
import { metricsOf } from '../../support/metrics';

// SPEC 3, outlier: after 10 samples, |z| > 3.5 against the player's own mean and deviation.

function scorer(mode: Mode = 'enforce') {
  const rules: Rules = { ...initialRules, outlier: { ...initialRules.outlier, version: 7, mode } };
  const clock = new HandClock();
  const counters = new MemoryFairnessCounters(clock);
  const metrics = metricsOf(FairnessMetrics, fairnessMetrics);
  const made = new FairnessScorer(counters, { current: rules } as RuleCache, metrics, clock);
  return { score: made.score.bind(made), counters };
}

function event(points: number, i = 0, playerId = 'player-1') {
  const at = Date.parse('2026-11-21T10:00:00.000Z');
  const named = { id: `e-${i}`, seq: i + 1, afterSeq: i, type: 'progression', playerId, traceId: '' };
  return { ...named, occurredAt: at, acceptedAt: at, points };
}

/** z by the textbook, over all samples at once; undefined while there are too few. */
function plain(before: readonly number[], points: number): number | undefined {
  if (before.length < 10) return undefined;
  const mean = before.reduce((sum, one) => sum + one, 0) / before.length;
  const variance = before.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (before.length - 1);
  return Math.abs(points - mean) / Math.max(Math.sqrt(variance), 1);
}

test('flags exactly those that the plain computation finds, with the same deviation', async () => {
  const points = fc.oneof(
    { weight: 9, arbitrary: fc.integer({ min: 90, max: 110 }) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 1_000_000 }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(points, { minLength: 5, maxLength: 200 }), async (all) => {
      const tested = scorer();
      for (const [i, value] of all.entries()) {
        const z = plain(all.slice(0, i), value) ?? 0;
        const [flag] = await tested.score([event(value, i)]);
        // On the very edge rounding decides.
        if (Math.abs(z - 3.5) < 1e-6) continue;
        expect([i, flag !== undefined]).toEqual([i, z > 3.5]);
        if (flag) expect(Math.abs(flag.observed - z)).toBeLessThan(0.001 + z * 1e-9);
      }
    }),
    { numRuns: 300 },
  );
});

test('a flag has its evidence', async () => {
  const tested = scorer();
  expect(await tested.score(Array.from({ length: 10 }, (_, i) => event(i % 2 ? 98 : 102, i)))).toEqual([]);
  // Mean 100, deviation sqrt(40 / 9) = 2.108.
  expect(await tested.score([event(200, 99)])).toEqual([
    expect.objectContaining({
      rule: 'outlier',
      ruleVersion: 7,
      eventId: 'e-99',
      playerId: 'player-1',
      observed: 47.434,
      threshold: 3.5,
    }),
  ]);
});

test('nobody is judged by fewer than ten samples, and by nobody else’s', async () => {
  const tested = scorer();
  for (let i = 0; i < 9; i += 1) await tested.score([event(10, i)]);
  expect(await tested.score([event(1000, 9)])).toEqual([]);
  expect(await tested.score([event(1000, 10, 'player-2')])).toEqual([]);
});

test('who always sends the same may send three points more: the deviation counts as one at least', async () => {
  const tested = scorer();
  for (let i = 0; i < 20; i += 1) await tested.score([event(50, i)]);
  expect(await tested.score([event(53, 20)])).toEqual([]);
  expect(await tested.score([event(60, 21)])).toHaveLength(1);
});

test('shadow flags nobody and learns; off learns nothing', async () => {
  const shadow = scorer('shadow');
  for (let i = 0; i < 20; i += 1) await shadow.score([event(50, i)]);
  expect([await shadow.score([event(5000, 20)]), shadow.counters.sizes.samples]).toEqual([[], 1]);
  const off = scorer('off');
  expect([await off.score([event(1)]), off.counters.sizes.samples]).toEqual([[], 0]);
});

test('of 1,000,000 distinct players 50,000 are remembered', async () => {
  const tested = scorer();
  for (let i = 0; i < 1_000_000; i += 1000)
    await tested.score(Array.from({ length: 1000 }, (_, j) => event(10, i + j, `player-${i + j}`)));
  expect(tested.counters.sizes.samples).toBe(50_000);
});
