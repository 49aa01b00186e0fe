import { authContract as auth } from '../../src/features/auth/auth.api';
import { eventsGatewayContract as gateway } from '../../src/features/events-gateway/events-gateway.api';
import { leaderboardContract as leaderboard } from '../../src/features/leaderboard/leaderboard.api';
import { progressionContract as progression } from '../../src/features/progression/progression.api';
import { usersContract as users } from '../../src/features/users/users.api';
import { everyDatabase, type TestDatabase } from '../support/databases';
import { eventually } from '../support/eventually';
import { metricSum } from '../support/metrics';
import { type OpenSplit, openSplit } from '../support/open-split';
import { manyAddresses, register } from '../support/players';
import { type RedisServer, startRedis } from '../support/redis';
import { eventBody, signed } from '../support/signed';
import type { TestApp } from '../support/wires';

// ISSUE 11, must hold 4, 6 and 8: two of each, on PostgreSQL and Redis, behave as one.

const postgres = everyDatabase.find(({ name }) => name === 'postgres') as (typeof everyDatabase)[number];

let redis: RedisServer;
let database: TestDatabase;
let system: OpenSplit;
let gateways: TestApp[];
let next = 0;

beforeAll(async () => {
  redis = await startRedis();
  database = await postgres.create();
  const counts = { gateway: 2, fairness: 2, progression: 2, leaderboard: 2, accounts: 2 };
  system = await openSplit({ databaseUrl: database.url, redis }, counts, manyAddresses);
  gateways = system.of('gateway');
});
afterAll(async () => {
  await system[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
});

const send = (app: TestApp, wire: 'http' | 'grpc', playerId: string, id = `e-${next++}`, deltaXp = 1) =>
  app[wire].call(gateway, 'ingest', signed(id, eventBody({ playerId, payload: { deltaXp } })));
const pair = (): [TestApp, TestApp] => gateways as [TestApp, TestApp];
const progressAt = (app: TestApp, playerId: string) => app.http.call(progression, 'getProgress', { playerId });

test('the same event at both gateways at once: one is accepted, the other a duplicate, and it counts once', async () => {
  const [one, two] = pair();
  const body = eventBody({ playerId: 'twin', payload: { deltaXp: 7 } });
  for (let round = 0; round < 8; round += 1) {
    const message = signed(`twin-${round}`, body);
    const answers = await Promise.all([
      one.http.call(gateway, 'ingest', message),
      two[round % 2 ? 'grpc' : 'http'].call(gateway, 'ingest', message),
    ]);
    expect(answers.map((answer) => answer.body.status).sort()).toEqual(['accepted', 'duplicate']);
    const other = signed(`twin-${round}`, { ...body, playerId: 'somebody-else' });
    expect((await two.http.call(gateway, 'ingest', other)).code).toBe('idempotency_key_reused');
  }
  for (const app of [...gateways, ...system.of('progression')])
    await eventually(async () => expect((await progressAt(app, 'twin')).body).toMatchObject({ xp: 56 }));
  for (const app of [...gateways, ...system.of('leaderboard')])
    await eventually(async () => {
      const { body: rank } = await app.grpc.call(leaderboard, 'getPlayerRank', { playerId: 'twin', window: 'daily' });
      expect(rank).toMatchObject({ score: 56 });
    });
});

test('the eleventh event of a player within a second is refused, whichever gateway it meets', async () => {
  const [one, two] = pair();
  const batch = async (app: TestApp, wire: 'http' | 'grpc', playerId: string): Promise<string[]> => {
    const events = Array.from({ length: 11 }, () => ({ id: `e-${next++}`, ...eventBody({ playerId }) }));
    const { body } = await app[wire].call(gateway, 'ingestBatch', signed(`batch-${next++}`, { events }));
    return (body.results as { status: string; error?: { code: string } }[]).map((one) => one.error?.code ?? one.status);
  };
  // A slow machine may need more than the second; then nothing is said.
  for (let tries = 0; tries < 20; tries += 1) {
    const playerId = `flooder-${tries}`;
    const began = performance.now();
    const codes = (await Promise.all([batch(one, 'http', playerId), batch(two, 'grpc', playerId)])).flat();
    const isShort = performance.now() - began < 950;
    if (!isShort) continue;
    expect(codes.filter((code) => code === 'accepted')).toHaveLength(10);
    expect(new Set(codes)).toEqual(new Set(['accepted', 'player_throttled']));
    for (const app of system.of('fairness')) expect(await judged(app, playerId)).toMatchObject({ strikes: 1 });
    return;
  }
  throw new Error('No two batches came within a second');
});

async function judged(app: TestApp, playerId: string) {
  const headers = { authorization: `Bearer ${system.secret}` };
  return (await app.http.send('GET', `/fairness/players/${playerId}`, headers)).body;
}

test('logged out, made administrator or deleted in one process: so it is in all', async () => {
  const [one, two] = pair();
  const everywhere = [...gateways, ...system.of('accounts')];
  const player = await register(one, 'split@example.com');
  const verified = (app: TestApp) => app.http.call(auth, 'verify', {}, player.headers);
  for (const app of everywhere) expect((await verified(app)).code).toBe('ok');
  const own = (app: TestApp) => app.grpc.call(users, 'getUser', { id: player.id }, player.headers);
  for (const app of everywhere) expect((await own(app)).code).toBe('ok');
  const secret = { authorization: `Bearer ${system.secret}` };
  expect((await two.http.call(auth, 'setRole', { userId: player.id, role: 'admin' }, secret)).code).toBe('ok');
  const list = (app: TestApp) => app.http.call(users, 'listUsers', {}, player.headers);
  for (const app of everywhere) await eventually(async () => expect((await list(app)).code).toBe('ok'));
  expect((await one.grpc.call(auth, 'logout', {}, player.headers)).code).toBe('ok');
  for (const app of everywhere) await eventually(async () => expect((await verified(app)).code).toBe('token_invalid'));
  const second = await register(two, 'deleted@example.com');
  const seen = (app: TestApp) => app.http.call(progression, 'getProgress', { playerId: second.id }, second.headers);
  for (const app of [...gateways, ...system.of('progression')]) expect((await seen(app)).code).toBe('player_not_found');
  expect((await one.http.call(users, 'deleteUser', { id: second.id }, secret)).code).toBe('ok');
  for (const app of [...gateways, ...system.of('progression')])
    await eventually(async () => expect((await seen(app)).code).toBe('token_invalid'));
});

test('fairness is gone: events go on, and it is counted; where that is denied 503; then it is asked again', async () => {
  const [one] = pair();
  const judges = system.parts.filter(({ name }) => name === 'fairness');
  for (const judge of judges) await judge.close();
  for (let i = 0; i < 15; i += 1) expect((await send(one, 'http', `alone-${i}`)).code).toBe('ok');
  expect(await metricSum(one.url, 'events_fairness_requests_total{status="failed"}')).toBeGreaterThan(0);
  expect(await metricSum(one.url, 'circuit_state{dependency="fairness"')).toBeGreaterThan(0);
  expect((await one.http.send('GET', '/health/ready', {})).body).toMatchObject({
    status: 'ready',
    checks: { fairness: { status: 'degraded' } },
  });
  const [other] = system.parts.filter(({ name }) => name === 'gateway').slice(1);
  await other?.close();
  await other?.open({ FAIRNESS_ON_FAILURE: 'deny' });
  gateways = system.of('gateway');
  expect(await send(pair()[1], 'http', 'denied', 'denied')).toMatchObject({ code: 'unavailable', status: 503 });
  for (const judge of judges) await judge.open();
  await eventually(async () => expect((await send(pair()[1], 'grpc', 'denied', 'denied')).code).toBe('ok'));
  await eventually(async () => {
    await send(one, 'http', `back-${next++}`);
    expect(await metricSum(one.url, 'circuit_state{dependency="fairness"')).toBe(0);
  });
});
