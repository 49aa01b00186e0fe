import fc from 'fast-check';
import { BlockCache } from '../../../src/features/fairness/fairness.block-cache';
import { MemoryFairnessCounters } from '../../../src/features/fairness/fairness.counters';
import type { Findings } from '../../../src/features/fairness/fairness.findings';
import { FairnessJudge } from '../../../src/features/fairness/fairness.judge';
import { FairnessMetrics, fairnessMetrics } from '../../../src/features/fairness/fairness.metrics';
import { FairnessRecorder } from '../../../src/features/fairness/fairness.recorder';
import type { FairnessRepository } from '../../../src/features/fairness/fairness.repository';
import type { RuleCache } from '../../../src/features/fairness/fairness.rule-cache';
import { initialRules } from '../../../src/features/fairness/fairness.rules';
import { unavailable } from '../../../src/shared/errors/common.errors';
import { Metrics } from '../../../src/shared/metrics/metrics';
import { HandClock } from '../../support/hand-clock';
import { metricsOf } from '../../support/metrics';
import { recordingLogger } from '../../support/recording-logger';
import { inVirtualTime } from '../../support/virtual-time';

// Checks that overlap, and a database that fails. The repositories are functions here: a real one fails when it likes.

type Save = (findings: Findings) => Promise<{ blocks: Findings['blocks']; flags: Findings['flags'] }>;

class Process {
  readonly metrics = new Metrics();
  readonly clock = new HandClock();
  readonly warnings: readonly string[];
  readonly saved: Findings[] = [];
  readonly blocks: BlockCache;
  readonly recorder: FairnessRecorder;
  readonly judge: FairnessJudge;
  save: Save = async (findings) => {
    this.saved.push(findings);
    return findings;
  };

  constructor(blocks: Partial<FairnessRepository> = {}) {
    const metrics = metricsOf(FairnessMetrics, fairnessMetrics, this.metrics);
    const rules = { current: initialRules, loaded: true } as RuleCache;
    const { logger, told } = recordingLogger();
    this.warnings = told;
    const repository = {
      save: (one: Findings) => this.save(one),
      activeBlocks: async () => [],
      changedBlocks: async () => [],
      ...blocks,
    } as unknown as FairnessRepository;
    this.blocks = new BlockCache(repository, this.clock);
    this.recorder = new FairnessRecorder(repository, this.blocks, metrics, logger);
    const counters = new MemoryFairnessCounters(this.clock);
    this.judge = new FairnessJudge(counters, rules, this.blocks, this.recorder, metrics, this.clock);
  }

  /** What became of findings, blocks and flags together. */
  async counts(): Promise<Record<string, number>> {
    const sum = async (name: string): Promise<number> =>
      ((await this.metrics.registry.getSingleMetric(name)?.get())?.values ?? []).reduce(
        (all, { value }) => all + value,
        0,
      );
    return {
      not_saved: await sum('fairness_findings_not_saved_total'),
      dropped: await sum('fairness_findings_dropped_total'),
      waiting: await sum('fairness_findings_waiting'),
    };
  }

  jump(playerId: string) {
    return this.judge.check([{ eventId: `jump-${playerId}`, type: 'progression', playerId, points: 5000 }]);
  }
}

/** The times at which events were counted: allowed, and not counted within the second before. */
function countedTimes(judged: readonly { id: string; at: number }[]): number[] {
  const known = new Map<string, number>();
  return judged.flatMap(({ id, at }) => {
    if (at - (known.get(id) ?? -1000) < 1000) return [];
    known.set(id, at);
    return [at];
  });
}

test('checks that overlap in any order never allow more than 10 events of a player within any 1,000 ms', async () => {
  const call = fc.record({
    ids: fc.array(fc.nat(80), { minLength: 1, maxLength: 8 }),
    player: fc.constantFrom('aaa', 'bbb'),
    wait: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 700 })),
  });
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.array(call, { maxLength: 60 }), async (scheduler, calls) => {
      // Not all blocks are in memory, so every check waits for the database, each for as long as the scheduler likes.
      const process = new Process({
        blocksOf: scheduler.scheduleFunction(async () => []) as FairnessRepository['blocksOf'],
      });
      const judged = { aaa: [] as { id: string; at: number }[], bbb: [] as { id: string; at: number }[] };
      const judge = process.judge.judge.bind(process.judge);
      process.judge.judge = async (events, beyond) => {
        const { at } = process.clock;
        const judgement = await judge(events, beyond);
        judgement.verdicts.forEach(({ decision }, i) => {
          const { eventId, playerId = 'aaa' } = events[i] ?? { eventId: '' };
          if (decision === 'allow') judged[playerId as 'aaa'].push({ id: eventId, at });
        });
        return judgement;
      };
      for (const { ids, player, wait } of calls) {
        void process.judge.check(
          ids.map((id) => ({ eventId: String(id), type: 'progression', playerId: player, points: 1 })),
        );
        void scheduler.schedule(Promise.resolve()).then(() => {
          process.clock.at += wait;
        });
      }
      await scheduler.waitIdle();
      for (const times of [countedTimes(judged.aaa), countedTimes(judged.bbb)])
        for (const [i, at] of times.entries()) expect((times[i + 10] ?? at + 1000) - at).toBeGreaterThanOrEqual(1000);
    }),
    { numRuns: 100 },
  );
});

test('while nobody is refused and all blocks are in memory, no database is asked', async () => {
  const process = new Process();
  await process.blocks.refresh();
  process.save = () => Promise.reject(new Error('asked'));
  expect(await process.judge.check([{ eventId: 'e', type: 'progression', playerId: 'aaa', points: 1 }])).toEqual([
    { decision: 'allow' },
  ]);
  expect(process.warnings).toEqual([]);
});

describe('a block that cannot be written', () => {
  test('holds here, is answered, and is written when the database is back', async () => {
    const process = new Process();
    await process.blocks.refresh();
    const { save } = process;
    process.save = () => Promise.reject(unavailable());
    expect(await process.jump('aaa')).toEqual([{ decision: 'block', rule: 'jump', retryAfterMs: 600_000 }]);
    expect([process.warnings, process.saved]).toEqual([['findings_not_saved'], []]);
    expect(await process.jump('aaa')).toEqual([{ decision: 'block', rule: 'jump', retryAfterMs: 600_000 }]);
    await expect(process.recorder.retry()).rejects.toThrow('cannot answer');
    process.save = save;
    await process.recorder.retry();
    await process.recorder.retry();
    expect(process.saved).toEqual([
      { blocks: [expect.objectContaining({ playerId: 'aaa' })], flags: [expect.objectContaining({ rule: 'jump' })] },
    ]);
  });

  test('and never can be is dropped after five tries; all that came with it or waited behind it is written', async () => {
    const process = new Process();
    await process.blocks.refresh();
    const { save } = process;
    process.save = () => Promise.reject(unavailable());
    for (const playerId of ['poison', 'aaa']) await process.jump(playerId);
    process.save = (findings) =>
      findings.blocks.some(({ playerId }) => playerId === 'poison')
        ? Promise.reject(new Error('poison'))
        : save(findings);
    for (let tries = 1; tries <= 5; tries += 1) {
      expect(process.warnings).not.toContain('findings_dropped');
      await process.recorder.retry();
    }
    const written = process.saved.flatMap(({ blocks, flags }) => [...blocks, ...flags].map(({ playerId }) => playerId));
    expect(written.sort()).toEqual(['aaa', 'aaa', 'poison']);
    expect(process.warnings.at(-1)).toBe('findings_dropped');
    expect(await process.counts()).toEqual({ not_saved: 4, dropped: 1, waiting: 0 });
  });

  test('does not come back once it was lifted', async () => {
    const process = new Process();
    await process.blocks.refresh();
    const { save } = process;
    process.save = () => Promise.reject(unavailable());
    await process.jump('aaa');
    process.blocks.lift('aaa', undefined);
    process.save = save;
    await process.recorder.retry();
    expect(process.saved).toEqual([{ blocks: [], flags: [expect.anything()] }]);
  });

  test('is answered within a second when the database hangs', async () => {
    const process = new Process();
    await process.blocks.refresh();
    process.save = () => new Promise(() => undefined);
    expect((await inVirtualTime(900, () => process.jump('aaa')))[0]?.decision).toBe('block');
  });

  test('of 1,000,000 findings 10,000 are kept', async () => {
    const process = new Process();
    process.save = () => Promise.reject(unavailable());
    const flags = Array.from({ length: 1000 }, (_, i) => ({ id: String(i) })) as never;
    for (let i = 0; i < 1000; i += 1) await process.recorder.record({ blocks: [], flags });
    let tried = 0;
    process.save = async (findings) => {
      tried += findings.flags.length;
      return { blocks: [], flags: [] };
    };
    await process.recorder.retry();
    expect(tried).toBe(10_000);
  });
});

describe('more blocks than memory holds', () => {
  const block = (playerId: string, until = 10_000) => ({
    playerId,
    rule: 'manual',
    reason: 'x',
    blockedAt: 0,
    blockedUntil: new HandClock().now() + until,
    changedAt: 0,
    seq: 1,
    groupId: 1,
  });

  test('100,000 stay in memory, and the rest is asked of the database', async () => {
    const asked: string[][] = [];
    const process = new Process({
      blocksOf: async (playerIds) => {
        asked.push([...playerIds]);
        return playerIds.includes('beyond') ? [block('beyond')] : [];
      },
    });
    await process.blocks.refresh();
    for (let i = 0; i < 1_000_000; i += 1) process.blocks.put(block(`player-${i}`));
    expect(process.blocks.size).toBe(100_000);
    const of = (playerId: string) => ({ eventId: playerId, type: 'progression', playerId, points: 1 });
    const verdicts = await process.judge.check([of('player-1'), of('beyond'), of('free'), of('free')]);
    expect(verdicts.map(({ decision }) => decision)).toEqual(['block', 'block', 'allow', 'allow']);
    expect(asked).toEqual([['beyond', 'free']]);
  });

  test('what has ended leaves, and then no database is asked any more', async () => {
    const process = new Process({ blocksOf: () => Promise.reject(new Error('asked')) });
    await process.blocks.refresh();
    for (let i = 0; i < 100_001; i += 1) process.blocks.put(block(`player-${i}`));
    expect(process.blocks.whole).toBe(false);
    process.clock.at = 60_000;
    await process.blocks.refresh();
    expect([process.blocks.size, process.blocks.whole]).toEqual([0, true]);
  });
});
