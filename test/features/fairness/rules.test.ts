import { eventsGatewayContract as gateway } from '../../../src/features/events-gateway/events-gateway.api';
import { fairnessContract as fairness } from '../../../src/features/fairness/fairness.api';
import type { CheckResponse, ListRulesResponse, Rule } from '../../../src/generated/aerie/fairness/v1/fairness';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { eventBody, signed } from '../../support/signed';
import { openApp, type TestApp } from '../../support/wires';

// SPEC 3: rules are data, and a change of them takes effect at once.

const open = (url: string) => openApp(url);

describe.each(everyDatabase)('$name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let sent = 0;

  beforeEach(async () => {
    database = await create();
    app = await open(database.url);
  });
  afterEach(async () => {
    await app[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  const update = (change: object) => app.http.call(fairness, 'updateRule', change);
  const rules = async (of = app) =>
    ((await of.http.call(fairness, 'listRules', {})).body as unknown as ListRulesResponse).rules;
  const rule = async (id: string, of = app) => (await rules(of)).find((one) => one.id === id) as Rule;
  const send = async (deltaXp: number, of = app) => {
    const playerId = `ruled-${sent++}`;
    return (await of.http.call(gateway, 'ingest', signed(playerId, eventBody({ playerId, payload: { deltaXp } }))))
      .code;
  };

  test('begin as the specification says', async () => {
    expect(await rules()).toEqual([
      {
        id: 'flood',
        version: 1,
        mode: 'enforce',
        thresholds: { maxEvents: 10, maxStrikes: 3, strikeWindowSeconds: 60, blockSeconds: 300 },
        updatedAt: expect.stringMatching(/Z$/),
      },
      {
        id: 'jump',
        version: 1,
        mode: 'enforce',
        thresholds: { progressionPoints: 1000, bossKillPoints: 5000, dropClaimedPoints: 10_000, blockSeconds: 600 },
        updatedAt: expect.stringMatching(/Z$/),
      },
      {
        id: 'outlier',
        version: 1,
        mode: 'enforce',
        thresholds: { minSamples: 10, maxDeviations: 3.5 },
        updatedAt: expect.stringMatching(/Z$/),
      },
    ]);
  });

  test('a change takes effect with the next event, names its version, and leaves the rest as it was', async () => {
    expect(await send(1001)).toBe('player_blocked');
    const before = await rule('jump');
    const { body } = await update({ id: 'jump', thresholds: { progressionPoints: 2000 } });
    expect(body).toEqual({
      ...before,
      version: 2,
      thresholds: { ...before.thresholds, progressionPoints: 2000 },
      updatedAt: expect.any(String),
    });
    expect(await rule('jump')).toEqual(body);
    expect([await send(2000), await send(2001)]).toEqual(['ok', 'player_blocked']);
  });

  test('shadow changes no answer and counts; off does neither; enforced again it refuses', async () => {
    await update({ id: 'jump', mode: 'shadow' });
    expect([await send(5000), await send(5000)]).toEqual(['ok', 'ok']);
    const shadow = /^fairness_decisions_total\{rule="jump",action="refuse",mode="shadow"\} (\d+)$/m;
    const counted = async () => shadow.exec(await (await fetch(`${app.url}/metrics`)).text())?.[1];
    expect(await counted()).toBe('2');
    await update({ id: 'jump', mode: 'off' });
    expect([await send(5000), await counted()]).toEqual(['ok', '2']);
    expect((await app.http.call(fairness, 'listFlags', { rule: 'jump' })).body.flags).toEqual([]);
    expect((await app.http.call(fairness, 'listBlocks', {})).body.blocks).toEqual([]);
    await update({ id: 'jump', mode: 'enforce' });
    expect(await send(5000)).toBe('player_blocked');
  });

  test('expectedVersion lets one of two changes through', async () => {
    const changes = [30, 40].map((maxEvents) => update({ id: 'flood', thresholds: { maxEvents }, expectedVersion: 1 }));
    const codes = (await Promise.all(changes)).map(({ code, status }) => [code, status]);
    expect(codes.sort()).toEqual([
      ['ok', 200],
      ['version_mismatch', 412],
    ]);
    expect(await rule('flood')).toMatchObject({ version: 2 });
    expect((await update({ id: 'flood', mode: 'off', expectedVersion: 2 })).code).toBe('ok');
  });

  test('changes at the same moment all count', async () => {
    const names = ['maxEvents', 'maxStrikes', 'strikeWindowSeconds', 'blockSeconds'];
    const codes = await Promise.all(names.map((name) => update({ id: 'flood', thresholds: { [name]: 77 } })));
    expect(codes.map(({ code }) => code)).toEqual(['ok', 'ok', 'ok', 'ok']);
    const thresholds = { maxEvents: 77, maxStrikes: 77, strikeWindowSeconds: 77, blockSeconds: 77 };
    expect(await rule('flood')).toMatchObject({ version: 5, thresholds });
  });

  test('a change survives a restart', async () => {
    await update({ id: 'jump', thresholds: { progressionPoints: 7 } });
    await app[Symbol.asyncDispose]();
    app = await open(database.url);
    expect([await send(7), await send(8)]).toEqual(['ok', 'player_blocked']);
    expect(await rule('jump')).toMatchObject({ version: 2, thresholds: { progressionPoints: 7 } });
  });
});

describe('two processes on one PostgreSQL', () => {
  let database: TestDatabase;
  let one: TestApp;
  let other: TestApp;
  let sent = 0;

  beforeAll(async () => {
    database = await (everyDatabase[1] as (typeof everyDatabase)[number]).create();
    one = await open(database.url);
    other = await open(database.url);
  });
  afterAll(async () => {
    await one[Symbol.asyncDispose]();
    await other[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  const send = async (app: TestApp, playerId: string, deltaXp = 1) => {
    const message = signed(`shared-${sent++}`, eventBody({ playerId, payload: { deltaXp } }));
    return (await app.http.call(gateway, 'ingest', message)).code;
  };

  /** Of one and the same event, which counts once however often it is asked about. */
  async function decision(app: TestApp, playerId: string): Promise<string | undefined> {
    const events = [{ eventId: `probe-${playerId}`, type: 'progression', playerId, points: 1 }];
    const { body } = await app.http.call(fairness, 'check', { events });
    return (body as unknown as CheckResponse).verdicts[0]?.decision;
  }

  test('a rule that one changes soon holds in the other', async () => {
    expect(await send(other, 'tall', 900)).toBe('ok');
    await one.http.call(fairness, 'updateRule', { id: 'jump', thresholds: { progressionPoints: 500 } });
    await eventually(async () => expect(await send(other, `tall-${sent}`, 900)).toBe('player_blocked'));
  });

  test.each(['person', 'rule'])(
    'a block that a %s makes through one soon holds in the other, and so does its end',
    async (who) => {
      const playerId = `blocked-by-${who}`;
      if (who === 'rule') expect(await send(one, playerId, 100_000)).toBe('player_blocked');
      else await one.http.call(fairness, 'blockPlayer', { playerId, seconds: 60, reason: 'x' });
      await eventually(async () => expect(await decision(other, playerId)).toBe('block'));
      expect(await send(other, playerId)).toBe('player_blocked');
      await other.http.call(fairness, 'unblockPlayer', { playerId });
      expect(await send(other, playerId)).toBe('ok');
      await eventually(async () => expect(await decision(one, playerId)).toBe('allow'));
      expect(await send(one, playerId)).toBe('ok');
    },
  );
});
