import { BlockCache } from '../../../src/features/fairness/fairness.block-cache';
import { type Block, blockOf, type Flag, flagOf } from '../../../src/features/fairness/fairness.findings';
import { fairnessFeature } from '../../../src/features/fairness/fairness.module';
import { FairnessRepository } from '../../../src/features/fairness/fairness.repository';
import type { Config } from '../../../src/shared/config/config';
import { Databases } from '../../../src/shared/db/databases';
import { Idempotency } from '../../../src/shared/idempotency/idempotency';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { HandClock } from '../../support/hand-clock';

// Blocks in SQL, with a clock that the test moves.

const options = { poolMin: 1, poolMax: 8, connectTimeoutMs: 10_000, queryTimeoutMs: 10_000 };

describe.each(everyDatabase)('$name', ({ create }) => {
  let database: TestDatabase;
  let databases: Databases;
  let clock: HandClock;
  let repository: FairnessRepository;

  beforeEach(async () => {
    database = await create();
    databases = new Databases(options);
    databases.register('fairness', database.url, fairnessFeature.entities ?? [], fairnessFeature.migrations);
    await databases.connectAll();
    await databases.migrateAll();
    clock = new HandClock();
    const config = { hmacKeys: [{ kid: 'default', secret: Buffer.alloc(32) }] } as unknown as Config;
    repository = new FairnessRepository(databases, clock, new Idempotency(config, clock));
  });
  afterEach(async () => {
    await databases.closeAll();
    await database[Symbol.asyncDispose]();
  });

  const jump = (playerId: string, seconds = 600): Block => blockOf(playerId, 'jump', 'jump', clock.now(), seconds);
  const manual = (playerId: string, seconds: number): Block => blockOf(playerId, 'manual', 'x', clock.now(), seconds);
  const replace = async (block: Block): Promise<Block> =>
    (await repository.replaceBlock(block, { request: {}, key: undefined }, () => ({}))).done.block;
  const stored = async (playerId: string) => (await repository.blocksOf([playerId]))[0];
  const flag = (eventId: string): Flag =>
    flagOf(
      { rule: 'jump', ruleVersion: 1 },
      { playerId: 'aaa', eventId },
      { observed: 0.1234, threshold: 1 },
      clock.now(),
    );

  test('an automatic block does not shorten a longer one that another process made, and hears of it', async () => {
    const long = await replace(manual('aaa', 3600));
    const saved = await repository.save({ blocks: [jump('aaa'), jump('bbb')], flags: [] });
    expect(saved.blocks).toHaveLength(2);
    expect(saved.blocks).toEqual(expect.arrayContaining([long, jump('bbb')]));
    expect(await stored('aaa')).toEqual(long);
  });

  test('it does lengthen a shorter one, and take the place of one that has ended', async () => {
    await replace(manual('aaa', 60));
    await replace(manual('bbb', 60));
    await repository.endBlock('bbb');
    await repository.save({ blocks: [jump('bbb'), jump('aaa')], flags: [] });
    for (const playerId of ['aaa', 'bbb'])
      expect(await stored(playerId)).toMatchObject({ rule: 'jump', blockedUntil: clock.now() + 600_000 });
  });

  test('of many at once the longest stays', async () => {
    const lengths = Array.from({ length: 20 }, (_, i) => (((i * 7) % 20) + 1) * 10);
    await Promise.all(lengths.map((seconds) => repository.save({ blocks: [jump('aaa', seconds)], flags: [] })));
    expect((await stored('aaa'))?.blockedUntil).toBe(clock.now() + 200_000);
  });

  test('a manual block replaces a longer one; ended twice, the second time there is none', async () => {
    await replace(manual('aaa', 3600));
    expect((await replace(manual('aaa', 60))).blockedUntil).toBe(clock.now() + 60_000);
    expect(await repository.endBlock('aaa')).toMatchObject({ blockedUntil: clock.now() });
    expect([await stored('aaa'), await repository.endBlock('aaa')]).toEqual([undefined, undefined]);
  });

  test('every change of a row has a later time, also where a clock goes back', async () => {
    const times = [(await replace(manual('aaa', 3600))).changedAt];
    clock.at = -5000;
    times.push((await replace(manual('aaa', 3600))).changedAt);
    times.push((await repository.endBlock('aaa'))?.changedAt ?? 0);
    clock.at = 5000;
    times.push((await replace(manual('aaa', 3600))).changedAt);
    expect(times).toEqual([...new Set(times)].sort((a, b) => a - b));
  });

  test('blocks and flags are written together: when one cannot be, neither is', async () => {
    const bad = { ...flag('e'), threshold: Number.NaN };
    await expect(repository.save({ blocks: [jump('aaa')], flags: [bad] })).rejects.toThrow();
    expect(await stored('aaa')).toBeUndefined();
  });

  test('a flag is new once', async () => {
    expect((await repository.save({ blocks: [], flags: [flag('e'), flag('f')] })).flags).toHaveLength(2);
    const again = await repository.save({ blocks: [], flags: [flag('f'), flag('g'), flag('g')] });
    expect(again.flags.map(({ eventId }) => eventId)).toEqual(['g']);
  });

  test('another process learns every change, also of more than a page at one instant', async () => {
    const list = new BlockCache(repository, clock);
    await list.refresh();
    const many = Array.from({ length: 2500 }, (_, i) => jump(`player-${i}`));
    await repository.save({ blocks: many, flags: [] });
    await list.refresh();
    expect([list.size, list.whole]).toEqual([2500, true]);
    await repository.endBlock('player-7');
    clock.at = 9000;
    await list.refresh();
    expect([list.get('player-7', clock.now()), list.get('player-8', clock.now())]).toEqual([
      undefined,
      expect.anything(),
    ]);
  });

  test('who starts later loads those that hold, page by page', async () => {
    await repository.save({ blocks: Array.from({ length: 2500 }, (_, i) => jump(`player-${i}`)), flags: [] });
    await repository.endBlock('player-7');
    clock.at = 60_000;
    const list = new BlockCache(repository, clock);
    await list.refresh();
    expect([list.size, list.whole]).toEqual([2499, true]);
  });

  test('what ended more than a moment ago is removed, a bounded number at a time; what holds stays', async () => {
    await repository.save({ blocks: Array.from({ length: 30 }, (_, i) => jump(`player-${i}`, 10)), flags: [] });
    await replace(manual('lifer', 3600));
    clock.at = 20_000;
    expect(await repository.pruneBlocks(clock.now() - 15_000, 20)).toBe(0);
    expect([await repository.pruneBlocks(clock.now(), 20), await repository.pruneBlocks(clock.now(), 20)]).toEqual([
      20, 10,
    ]);
    expect(await repository.pruneBlocks(clock.now(), 20)).toBe(0);
    expect(await stored('lifer')).toBeDefined();
  });
});
