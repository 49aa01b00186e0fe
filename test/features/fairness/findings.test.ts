import { fairnessContract as fairness } from '../../../src/features/fairness/fairness.api';
import { BlockCache } from '../../../src/features/fairness/fairness.block-cache';
import { blockOf, type Flag, flagOf } from '../../../src/features/fairness/fairness.findings';
import { FairnessMetrics, fairnessMetrics } from '../../../src/features/fairness/fairness.metrics';
import { fairnessFeature } from '../../../src/features/fairness/fairness.module';
import { FairnessRecorder } from '../../../src/features/fairness/fairness.recorder';
import { FairnessRepository } from '../../../src/features/fairness/fairness.repository';
import { loadConfig } from '../../../src/shared/config/load-config';
import { Databases } from '../../../src/shared/db/databases';
import { Idempotency } from '../../../src/shared/idempotency/idempotency';
import { Metrics } from '../../../src/shared/metrics/metrics';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { HandClock } from '../../support/hand-clock';
import { metricsOf } from '../../support/metrics';
import { recordingLogger } from '../../support/recording-logger';
import { openApp } from '../../support/wires';

// What the rules find is kept, all of it, whatever one of them is like.

const most = 9_007_199_254_740;
const jump = (playerId: string, points: number) => ({ eventId: `e-${playerId}`, type: 'boss_kill', playerId, points });

describe.each(everyDatabase)('$name', ({ create }) => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await create();
  });
  afterEach(() => database[Symbol.asyncDispose]());

  test.each(['http', 'grpc'] as const)(
    'points that a flag cannot hold are refused, and nobody is blocked (%s)',
    async (wire) => {
      await using app = await openApp(database.url);
      const check = (...events: object[]) => app[wire].call(fairness, 'check', { events });
      for (const points of [most + 1, 2 ** 53 - 1]) {
        const { code, fields } = await check(jump('ada', 6000), jump('bob', points));
        expect([code, fields]).toEqual(['validation_failed', ['events[1].points']]);
      }
      expect((await app[wire].call(fairness, 'listBlocks', {})).body.blocks).toEqual([]);
    },
  );

  test('the most that a flag can hold is kept, with those beside it, and still holds after a restart', async () => {
    const players = ['ada', 'bob', 'eve'];
    {
      await using app = await openApp(database.url);
      const { body } = await app.http.call(fairness, 'check', { events: players.map((one) => jump(one, most)) });
      expect(body.verdicts).toMatchObject(players.map(() => ({ decision: 'block', rule: 'jump' })));
    }
    await using app = await openApp(database.url);
    for (const playerId of players)
      expect((await app.http.call(fairness, 'getPlayer', { playerId })).body).toMatchObject({
        blocked: true,
        flags: 1,
      });
    const { body } = await app.grpc.call(fairness, 'listFlags', {});
    expect((body.flags as Flag[]).map(({ observed }) => observed)).toEqual([most, most, most]);
  });

  test('a group that fails as a whole is kept one by one, now and at the next try', async () => {
    const clock = new HandClock();
    const databases = new Databases({ poolMin: 1, poolMax: 4, connectTimeoutMs: 5000, queryTimeoutMs: 5000 });
    databases.register('fairness', database.url, fairnessFeature.entities ?? [], fairnessFeature.migrations);
    await databases.connectAll();
    await using _ = { [Symbol.asyncDispose]: () => databases.closeAll() };
    await databases.migrateAll();
    const repository = new FairnessRepository(databases, clock, new Idempotency(loadConfig({}, []), clock));
    const blocks = new BlockCache(repository, clock);
    const metrics = new Metrics();
    const { logger, told } = recordingLogger();
    const counted = metricsOf(FairnessMetrics, fairnessMetrics, metrics);
    const recorder = new FairnessRecorder(repository, blocks, counted, logger);
    const flag = (playerId: string, observed: number) =>
      flagOf(
        { rule: 'jump', ruleVersion: 1 },
        { playerId, eventId: `e-${playerId}` },
        { observed, threshold: 1 },
        clock.now(),
      );
    const players = ['ada', 'bob', 'eve'];
    const found = players.map((playerId) => blockOf(playerId, 'jump', 'jump', clock.now(), 600));
    for (const block of found) blocks.put(block);
    const flags = [flag('ada', 5), flag('bob', Number.NaN), flag('eve', 2 ** 60)];
    await recorder.record({ blocks: found, flags });
    await recorder.recordFlags([flag('mia', Number.NaN), flag('zoe', 7)]);
    const kept = async (): Promise<[string, number][]> =>
      (await repository.listFlags({}, 1000, 100)).map(({ playerId, observed }) => [playerId, observed]);
    expect((await repository.blocksOf(players)).map(({ playerId }) => playerId).sort()).toEqual(players);
    const whole = [
      ['zoe', 7],
      ['eve', (2 ** 53 - 1) / 1000],
      ['ada', 5],
    ];
    expect(await kept()).toEqual(whole);
    const value = async (name: string) => (await metrics.registry.getSingleMetric(name)?.get())?.values;
    expect(await value('fairness_findings_not_saved_total')).toMatchObject([
      { value: 0 },
      { labels: { kind: 'flag' }, value: 2 },
    ]);
    expect(await value('fairness_findings_waiting')).toMatchObject([{ value: 2 }]);
    for (let tries = 0; tries < 4; tries += 1) await recorder.retry();
    expect(await value('fairness_findings_dropped_total')).toMatchObject([{ value: 0 }, { value: 2 }]);
    expect([await kept(), await value('fairness_findings_waiting')]).toMatchObject([whole, [{ value: 0 }]]);
    expect(new Set(told)).toEqual(new Set(['findings_not_saved', 'findings_dropped']));
  });
});
