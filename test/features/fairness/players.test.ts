import { setTimeout as sleep } from 'node:timers/promises';
import { eventsGatewayContract as gateway } from '../../../src/features/events-gateway/events-gateway.api';
import { fairnessContract as fairness } from '../../../src/features/fairness/fairness.api';
import type { Block, CheckResponse, ListBlocksResponse } from '../../../src/generated/aerie/fairness/v1/fairness';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { eventBody, signed } from '../../support/signed';
import { openApp, type TestApp } from '../../support/wires';

// SPEC 3: strikes and blocks, those that rules make and those that people make.

describe.each(everyDatabase)('$name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;

  beforeAll(async () => {
    database = await create();
    app = await openApp(database.url);
  });
  afterAll(async () => {
    await app[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  const ask = async (method: string, message: object) => {
    const outcome = await app.http.call(fairness, method, message);
    if (outcome.code !== 'ok') throw new Error(`${method}: ${JSON.stringify(outcome)}`);
    return outcome.body;
  };
  const player = (playerId: string) => ask('getPlayer', { playerId });
  let sent = 0;
  const send = (playerId: string, deltaXp = 1) =>
    app.http.call(gateway, 'ingest', signed(`p-${sent++}`, eventBody({ playerId, payload: { deltaXp } })));
  /** `count` events of a player at one moment. */
  const check = async (playerId: string, count: number, points = 1) => {
    const events = Array.from({ length: count }, () => ({
      eventId: `p-${sent++}`,
      type: 'progression',
      playerId,
      points,
    }));
    return ((await ask('check', { events })) as unknown as CheckResponse).verdicts;
  };
  const millisecondsLeft = (body: Record<string, unknown>) => Date.parse(String(body.blockedUntil)) - Date.now();

  test('of a player whom nobody knows everything is zero', async () => {
    expect(await player('nobody')).toEqual({ playerId: 'nobody', blocked: false, strikes: 0, flags: 0 });
  });

  test('the third strike blocks: still told as throttled, with the length of the block', async () => {
    await ask('updateRule', { id: 'flood', thresholds: { maxEvents: 2, blockSeconds: 5 } });
    const playerId = 'striker';
    for (const strikes of [1, 2]) {
      const verdicts = await check(playerId, 4);
      expect(verdicts.slice(-2).map(({ decision }) => decision)).toEqual(['throttle', 'throttle']);
      expect(await player(playerId)).toEqual({ playerId, blocked: false, strikes, flags: strikes });
      await sleep(1010);
    }
    const third = await check(playerId, 3);
    expect(third.at(-1)).toEqual({ decision: 'throttle', rule: 'flood', retryAfterMs: 5000 });
    const blocked = await player(playerId);
    expect(blocked).toMatchObject({ blocked: true, reason: 'flood', strikes: 0, flags: 3 });
    expect((await send(playerId)).code).toBe('player_blocked');
    // Whoever goes on trying is not blocked for longer, and it ends by itself.
    expect(await player(playerId)).toEqual(blocked);
    await sleep(millisecondsLeft(blocked) + 20);
    expect(await player(playerId)).toEqual({ playerId, blocked: false, strikes: 0, flags: 3 });
    expect((await send(playerId)).code).toBe('ok');
    await ask('updateRule', { id: 'flood', thresholds: { maxEvents: 10, blockSeconds: 300 } });
  });

  test('a person blocks at once, for as long and for the reason that was said, and again in its place', async () => {
    const playerId = 'suspect';
    const first = await ask('blockPlayer', { playerId, seconds: 3600, reason: 'Speed hack: säge' });
    expect(first).toMatchObject({ playerId, blocked: true, reason: 'Speed hack: säge' });
    expect(millisecondsLeft(first)).toBeGreaterThan(3_590_000);
    expect((await send(playerId)).code).toBe('player_blocked');
    expect(await check(playerId, 1)).toEqual([{ decision: 'block', rule: 'manual', retryAfterMs: expect.any(Number) }]);
    const second = await ask('blockPlayer', { playerId, seconds: 60, reason: 'on appeal' });
    expect(millisecondsLeft(second)).toBeLessThanOrEqual(60_000);
    expect(await player(playerId)).toEqual(second);
  });

  test('an automatic block does not shorten a longer one', async () => {
    const playerId = 'lifer';
    const { blockedUntil } = await ask('blockPlayer', { playerId, seconds: 2_592_000, reason: 'for good' });
    expect((await check(playerId, 1, 5000))[0]).toMatchObject({ decision: 'block', rule: 'manual' });
    expect(await player(playerId)).toMatchObject({ blockedUntil, reason: 'for good' });
  });

  test('unblocked, a player is free at once and has no strikes; again, nothing happens', async () => {
    const playerId = 'freed';
    await check(playerId, 11);
    expect(await player(playerId)).toMatchObject({ strikes: 1, flags: 1 });
    await ask('blockPlayer', { playerId, seconds: 60, reason: 'x' });
    const free = { playerId, blocked: false, strikes: 0, flags: 1 };
    expect(await ask('unblockPlayer', { playerId })).toEqual(free);
    expect(await ask('unblockPlayer', { playerId })).toEqual(free);
    await sleep(1000);
    expect((await send(playerId)).code).toBe('ok');
    // Blocked anew over the row that has ended.
    expect((await send(playerId, 1001)).code).toBe('player_blocked');
    expect(await player(playerId)).toMatchObject({ blocked: true, reason: 'jump', flags: 2 });
  });

  test('the blocks that hold are listed by player, page by page; others are not', async () => {
    const names = Array.from({ length: 25 }, (_, i) => `listed-${String(i).padStart(2, '0')}`);
    for (const playerId of [...names].reverse()) await ask('blockPlayer', { playerId, seconds: 600, reason: playerId });
    await ask('blockPlayer', { playerId: 'listed-99', seconds: 600, reason: 'x' });
    await ask('unblockPlayer', { playerId: 'listed-99' });
    const found: Block[] = [];
    let pageToken = '';
    do {
      const page = (await ask('listBlocks', { pageSize: 10, pageToken })) as unknown as ListBlocksResponse;
      expect(page.blocks.length).toBeLessThanOrEqual(10);
      found.push(...page.blocks);
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(found.map(({ playerId }) => playerId)).toEqual([...found.map(({ playerId }) => playerId)].sort());
    const listed = found.filter(({ playerId }) => playerId.startsWith('listed-'));
    expect(listed.map(({ playerId, reason }) => [playerId, reason])).toEqual(names.map((name) => [name, name]));
    expect(listed[0]).toEqual({
      playerId: 'listed-00',
      rule: 'manual',
      reason: 'listed-00',
      blockedAt: expect.stringMatching(/Z$/),
      blockedUntil: expect.stringMatching(/Z$/),
    });
  });

  test('a block survives a restart', async () => {
    await ask('blockPlayer', { playerId: 'remembered', seconds: 600, reason: 'x' });
    await app[Symbol.asyncDispose]();
    app = await openApp(database.url);
    expect((await send('remembered')).code).toBe('player_blocked');
    expect((await send('somebody-else')).code).toBe('ok');
  });
});
