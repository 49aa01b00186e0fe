import { BlockCache } from '../../../src/features/fairness/fairness.block-cache';
import { MemoryFairnessCounters } from '../../../src/features/fairness/fairness.counters';
import { FairnessJudge } from '../../../src/features/fairness/fairness.judge';
import { FairnessMetrics, fairnessMetrics } from '../../../src/features/fairness/fairness.metrics';
import type { FairnessRecorder } from '../../../src/features/fairness/fairness.recorder';
import type { FairnessRepository } from '../../../src/features/fairness/fairness.repository';
import type { RuleCache } from '../../../src/features/fairness/fairness.rule-cache';
import { initialRules, type Rules } from '../../../src/features/fairness/fairness.rules';
import type { Verdict } from '../../../src/generated/aerie/fairness/v1/fairness';
import { Metrics } from '../../../src/shared/metrics/metrics';
import { HandClock } from '../../support/hand-clock';
import { metricsOf } from '../../support/metrics';

// SPEC 3, with a clock that the test moves. No database: the judge asks none.

const playerId = 'player-1';

class Court {
  readonly clock = new HandClock();
  readonly metrics = new Metrics();
  readonly blocks = new BlockCache({} as FairnessRepository, this.clock);
  readonly judge: FairnessJudge;
  readonly counters: MemoryFairnessCounters;
  private sent = 0;

  constructor(readonly rules: { -readonly [Id in keyof Rules]: Rules[Id] } = { ...initialRules }) {
    this.counters = new MemoryFairnessCounters(this.clock);
    this.judge = new FairnessJudge(
      this.counters,
      { current: rules } as RuleCache,
      this.blocks,
      {} as FairnessRecorder,
      metricsOf(FairnessMetrics, fairnessMetrics, this.metrics),
      this.clock,
    );
  }

  send(count = 1, points = 1, player = playerId) {
    const events = Array.from({ length: count }, () => ({
      eventId: `e-${this.sent++}`,
      type: 'progression',
      playerId: player,
      points,
    }));
    return this.judge.judge(events);
  }

  async last(count = 1, points = 1): Promise<Verdict> {
    return (await this.send(count, points)).verdicts.at(-1) as Verdict;
  }

  async counted(rule: string, action: string, mode: string): Promise<number> {
    const found = await this.metrics.registry.getSingleMetric('fairness_decisions_total')?.get();
    const labels = { rule, action, mode };
    return found?.values.find((value) => JSON.stringify(value.labels) === JSON.stringify(labels))?.value ?? 0;
  }
}

test('all allowed events have one and the same answer, which nobody can change', async () => {
  const { verdicts, blocks, flags } = await new Court().send(10);
  expect(new Set(verdicts)).toEqual(new Set([{ decision: 'allow' }]));
  expect([new Set(verdicts).size, Object.isFrozen(verdicts[0])]).toEqual([1, true]);
  expect([blocks, flags]).toEqual([[], []]);
});

describe('strikes', () => {
  test('one refusal a second is a strike, with a flag; more in that second are none', async () => {
    const court = new Court();
    const { flags, verdicts } = await court.send(20);
    expect(verdicts.slice(10)).toEqual(new Array(10).fill({ decision: 'throttle', rule: 'flood', retryAfterMs: 1000 }));
    expect(flags).toEqual([
      expect.objectContaining({ rule: 'flood', eventId: 'e-10', playerId, observed: 11, threshold: 10 }),
    ]);
    expect(await court.judge.strikesOf(playerId)).toBe(1);
    court.clock.at = 999;
    expect((await court.send(11)).flags).toEqual([]);
    court.clock.at = 1000;
    expect((await court.send(11)).flags).toHaveLength(1);
    expect(await court.judge.strikesOf(playerId)).toBe(2);
  });

  test('the third within a minute blocks: still a throttle, that lasts as long as the block', async () => {
    const court = new Court();
    for (const at of [0, 1000]) {
      court.clock.at = at;
      expect((await court.last(11)).retryAfterMs).toBeLessThanOrEqual(1000);
    }
    court.clock.at = 2000;
    const { verdicts, blocks } = await court.send(11);
    expect(verdicts.at(-1)).toEqual({ decision: 'throttle', rule: 'flood', retryAfterMs: 300_000 });
    expect(blocks).toEqual([
      expect.objectContaining({ playerId, rule: 'flood', blockedUntil: court.clock.now() + 300_000 }),
    ]);
    expect(await court.judge.strikesOf(playerId)).toBe(0);
    expect(await court.last()).toEqual({ decision: 'block', rule: 'flood', retryAfterMs: 300_000 });
  });

  test('the third after more than a minute does not', async () => {
    const court = new Court();
    for (const at of [0, 30_000, 60_000, 90_000]) {
      court.clock.at = at;
      expect((await court.send(11)).blocks).toEqual([]);
      expect(await court.judge.strikesOf(playerId)).toBeLessThan(3);
    }
  });

  test('forgiven, they begin anew', async () => {
    const court = new Court();
    for (const at of [0, 1000]) {
      court.clock.at = at;
      await court.send(11);
    }
    await court.judge.forgive(playerId);
    court.clock.at = 2000;
    expect((await court.send(11)).blocks).toEqual([]);
    expect(await court.judge.strikesOf(playerId)).toBe(1);
  });
});

describe('a block', () => {
  test('is not lengthened by who tries, and ends by itself', async () => {
    const court = new Court();
    expect(await court.last(1, 1001)).toEqual({ decision: 'block', rule: 'jump', retryAfterMs: 600_000 });
    for (court.clock.at = 0; court.clock.at < 600_000; court.clock.at += 7919) {
      const { verdicts, blocks, flags } = await court.send(12, 5000);
      expect(verdicts).toEqual(
        new Array(12).fill({ decision: 'block', rule: 'jump', retryAfterMs: 600_000 - court.clock.at }),
      );
      expect([blocks, flags]).toEqual([[], []]);
    }
    court.clock.at = 600_000;
    // Nothing that was tried meanwhile counts.
    expect((await court.send(10)).verdicts).toEqual(new Array(10).fill({ decision: 'allow' }));
  });

  test('holds for the rest of the group at once, and for nobody else', async () => {
    const court = new Court();
    const of = (player: string, points: number) => ({
      eventId: `${player}-${points}`,
      type: 'progression',
      playerId: player,
      points,
    });
    const { verdicts, blocks } = await court.judge.judge([of('one', 1), of('one', 1001), of('one', 2), of('two', 2)]);
    expect(verdicts.map(({ decision }) => decision)).toEqual(['allow', 'block', 'block', 'allow']);
    expect(blocks).toHaveLength(1);
  });

  test('that only the database knows counts as well', async () => {
    const court = new Court();
    const block = {
      playerId,
      rule: 'manual',
      reason: 'x',
      blockedAt: 0,
      blockedUntil: court.clock.now() + 5,
      changedAt: 0,
    };
    const event = { eventId: 'e', type: 'progression', playerId, points: 1 };
    const { verdicts } = await court.judge.judge([event], new Map([[playerId, block]]));
    expect(verdicts).toEqual([{ decision: 'block', rule: 'manual', retryAfterMs: 5 }]);
  });
});

describe.each([
  ['progression', 1000],
  ['boss_kill', 5000],
  ['drop_claimed', 10_000],
])('%s', (type, cap) => {
  test(`passes with exactly ${cap} points and not with one more`, async () => {
    const court = new Court();
    const event = (points: number) => ({ eventId: `e-${points}`, type, playerId, points });
    expect((await court.judge.judge([event(cap)])).verdicts).toEqual([{ decision: 'allow' }]);
    const { verdicts, flags, blocks } = await court.judge.judge([event(cap + 1)]);
    expect(verdicts).toEqual([{ decision: 'block', rule: 'jump', retryAfterMs: 600_000 }]);
    expect(flags).toEqual([expect.objectContaining({ rule: 'jump', observed: cap + 1, threshold: cap })]);
    expect(blocks).toEqual([expect.objectContaining({ rule: 'jump', reason: 'jump' })]);
  });
});

describe('shadow mode', () => {
  const shadow = (): Court =>
    new Court({
      ...initialRules,
      flood: { ...initialRules.flood, mode: 'shadow' },
      jump: { ...initialRules.jump, mode: 'shadow' },
    });

  test('allows everything, blocks and flags nobody, and counts what it would have done', async () => {
    const court = shadow();
    for (const at of [0, 1000, 2000]) {
      court.clock.at = at;
      const { verdicts, blocks, flags } = await court.send(11, 2000);
      expect([new Set(verdicts), blocks, flags]).toEqual([new Set([{ decision: 'allow' }]), [], []]);
      expect(await court.judge.strikesOf(playerId)).toBe(0);
    }
    expect(await court.counted('jump', 'refuse', 'shadow')).toBe(33);
    expect(await court.counted('jump', 'block', 'shadow')).toBe(33);
    expect(await court.counted('flood', 'throttle', 'shadow')).toBe(3);
    expect(await court.counted('flood', 'flag', 'shadow')).toBe(3);
    expect(await court.counted('flood', 'block', 'shadow')).toBe(1);
    expect(await court.counted('flood', 'throttle', 'enforce')).toBe(0);
  });

  test('would-be-refused events do not count: those who come after are judged as if they had been refused', async () => {
    const court = shadow();
    await court.send(10);
    court.clock.at = 500;
    await court.send(90);
    court.clock.at = 1000;
    await court.send(10);
    expect(await court.counted('flood', 'throttle', 'shadow')).toBe(90);
  });
});

test('off does nothing and counts nothing', async () => {
  const court = new Court({
    ...initialRules,
    flood: { ...initialRules.flood, mode: 'off' },
    jump: { ...initialRules.jump, mode: 'off' },
  });
  expect(new Set((await court.send(100, 1_000_000)).verdicts)).toEqual(new Set([{ decision: 'allow' }]));
  expect(court.counters.sizes).toEqual({ window: 0, strikes: 0, samples: 0 });
  expect(await court.counted('flood', 'throttle', 'off')).toBe(0);
});

test('decisions are counted by rule, action and mode; allowed events are not', async () => {
  const court = new Court();
  await court.send(12);
  await court.send(1, 1001);
  await court.send(1);
  expect(await court.counted('flood', 'throttle', 'enforce')).toBe(2);
  expect(await court.counted('flood', 'flag', 'enforce')).toBe(1);
  for (const [action, times] of [
    ['block', 1],
    ['flag', 1],
    ['refuse', 2],
  ] as const)
    expect([action, await court.counted('jump', action, 'enforce')]).toEqual([action, times]);
});
