import { eventsGatewayContract as gateway } from '../../../src/features/events-gateway/events-gateway.api';
import { progressionContract as progression } from '../../../src/features/progression/progression.api';
import type { Bus } from '../../../src/shared/bus/bus';
import { InmemBus } from '../../../src/shared/bus/inmem.bus';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { passedAll } from '../../support/lag';
import { eventBody, signed } from '../../support/signed';
import { execute } from '../../support/statements';
import { openApp, type TestApp } from '../../support/wires';

describe.each(everyDatabase)('$name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;

  beforeAll(async () => {
    database = await create();
    app = await openApp(database.url, {}, { fairness: 'off' });
  });
  afterAll(async () => {
    await app[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  async function send(id: string, change: Record<string, unknown>): Promise<void> {
    expect((await app.http.call(gateway, 'ingest', signed(id, eventBody(change)))).code).toBe('ok');
  }

  const settled = (): Promise<void> => passedAll(app, ['progression']);

  const progressOf = async (playerId: string) => (await app.http.call(progression, 'getProgress', { playerId })).body;
  const rewardsOf = async (playerId: string, more = {}) =>
    (await app.http.call(progression, 'listRewards', { playerId, ...more })).body;

  test('XP is the sum of points; levels, kills, drops and their rewards follow', async () => {
    const playerId = 'sums';
    await send('s1', { playerId, payload: { deltaXp: 3999 } });
    await send('s2', { playerId, type: 'boss_kill', payload: { bossId: 'hydra', tier: 1, points: 1001 } });
    await send('s3', { playerId, type: 'boss_kill', payload: { bossId: 'hydra', tier: 1, points: 1 } });
    await send('s4', { playerId, type: 'drop_claimed', payload: { dropId: 'sword', weight: 3 } });
    await send('s5', { playerId, type: 'drop_claimed', payload: { dropId: 'sword', weight: 2 } });
    await settled();
    const xp = 3999 + 1001 + 1 + 300 + 200;
    expect(await progressOf(playerId)).toMatchObject({
      playerId,
      xp,
      level: 6,
      xpIntoLevel: 501,
      xpForNextLevel: 499,
      bossKills: 2,
      dropsClaimed: 1,
    });
    const { rewards } = await rewardsOf(playerId);
    expect((rewards as { rewardId: string }[]).map(({ rewardId }) => rewardId).sort()).toEqual([
      'boss-hydra',
      'drop-sword',
      'level-5',
    ]);
  });

  test('an event that comes again, although it was applied, has no second effect', async () => {
    const playerId = 'again';
    const heard = jest.spyOn(InmemBus.prototype, 'publish');
    await send('again-1', { playerId, payload: { deltaXp: 700 } });
    await send('again-2', { playerId, type: 'boss_kill', payload: { bossId: 'hydra', tier: 1, points: 400 } });
    await settled();
    const before = await progressOf(playerId);
    expect(before).toMatchObject({ xp: 1100, bossKills: 1, level: 2 });
    // As a bus may bring it.
    const { calls, contexts } = heard.mock;
    expect(calls.length).toBeGreaterThanOrEqual(2);
    for (const [i, [topic, messages]] of [...calls.entries()]) (contexts[i] as Bus).publish(topic, messages);
    await send('again-0', { playerId: 'another' });
    await settled();
    expect(await progressOf(playerId)).toEqual(before);
    await send('again-3', { playerId, payload: { deltaXp: 1 } });
    await settled();
    expect(await progressOf(playerId)).toMatchObject({ xp: 1101, bossKills: 1 });
  });

  test('many levels at once give a chest at every fifth', async () => {
    await send('jump', { playerId: 'jumper', payload: { deltaXp: 22_500 } });
    await settled();
    const { rewards } = await rewardsOf('jumper');
    expect((rewards as { rewardId: string }[]).map(({ rewardId }) => rewardId).sort()).toEqual([
      'level-10',
      'level-15',
      'level-20',
      'level-5',
    ]);
  });

  test('reward pages are complete and without repeats; a token of another list or filter is refused', async () => {
    const playerId = 'pages';
    for (let i = 0; i < 7; i++)
      await send(`p${i}`, { playerId, type: 'drop_claimed', payload: { dropId: `d${i}`, weight: 1 } });
    await settled();
    const seen: string[] = [];
    let pageToken = '';
    do {
      const page = await rewardsOf(playerId, { pageSize: 3, ...(pageToken === '' ? {} : { pageToken }) });
      seen.push(...(page.rewards as { rewardId: string }[]).map(({ rewardId }) => rewardId));
      pageToken = String(page.nextPageToken);
      if (pageToken !== '') {
        const foreign = await app.http.call(progression, 'listRewards', { playerId: 'sums', pageToken });
        expect(foreign.code).toBe('page_token_invalid');
      }
    } while (pageToken !== '');
    expect(seen.sort()).toEqual(Array.from({ length: 7 }, (_, i) => `drop-d${i}`));
    const claimed = await app.http.call(progression, 'claimReward', { playerId, rewardId: 'drop-d3' });
    expect(claimed.status).toBe(201);
    expect((await rewardsOf(playerId, { status: 'claimed' })).rewards).toHaveLength(1);
    expect((await rewardsOf(playerId, { status: 'available' })).rewards).toHaveLength(6);
  });

  test('an event that cannot be applied is parked after its tries, the others go on, and a redrive brings it back', async () => {
    const playerId = 'poisoned';
    const table = 'progression_players';
    // The most that a sum may be, so that one more point is refused by the checks on whole numbers.
    await send('q0', { playerId, payload: { deltaXp: 1 } });
    await settled();
    await execute(database.url, `UPDATE ${table} SET xp = ${Number.MAX_SAFE_INTEGER} WHERE player_id = '${playerId}'`);
    await Promise.all([
      send('q1', { playerId, payload: { deltaXp: 1 } }),
      ...Array.from({ length: 20 }, (_, i) => send(`r${i}`, { playerId: 'neighbour', payload: { deltaXp: 5 } })),
    ]);
    await settled();
    expect(await progressOf('neighbour')).toMatchObject({ xp: 100 });
    const { body } = await app.http.call(gateway, 'listDeadLetters', {});
    const [letter] = body.deadLetters as { id: string; eventId: string }[];
    expect(body.deadLetters).toEqual([
      expect.objectContaining({ eventId: 'q1', consumer: 'progression', playerId, type: 'progression' }),
    ]);
    await execute(database.url, `UPDATE ${table} SET xp = 1 WHERE player_id = '${playerId}'`);
    const redrive = () => app.grpc.call(gateway, 'redriveDeadLetter', { id: letter?.id });
    const told = await Promise.all([redrive(), redrive()]);
    expect(told.map(({ code }) => code)).toEqual(['ok', 'ok']);
    await eventually(async () => expect(await progressOf(playerId)).toMatchObject({ xp: 2 }));
    await eventually(async () =>
      expect((await app.http.call(gateway, 'listDeadLetters', {})).body.deadLetters).toEqual([]),
    );
    expect((await redrive()).code).toBe('dead_letter_not_found');
    expect(await progressOf(playerId)).toMatchObject({ xp: 2 });
  });
});
