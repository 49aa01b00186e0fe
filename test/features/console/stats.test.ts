import { randomUUID } from 'node:crypto';
import { authContract as auth } from '../../../src/features/auth/auth.api';
import { consoleContract as contract } from '../../../src/features/console/console.api';
import { Figures } from '../../../src/features/console/console.figures';
import { ConsoleService } from '../../../src/features/console/console.service';
import { fairnessContract as fairness } from '../../../src/features/fairness/fairness.api';
import type { Stats, StatsCount } from '../../../src/generated/aerie/console/v1/console';
import type { Circuit, Process } from '../../../src/generated/aerie/processes/v1/processes';
import { SystemClock } from '../../../src/shared/clock/system.clock';
import type { ReadinessReport } from '../../../src/shared/health/readiness';
import { Metrics } from '../../../src/shared/metrics/metrics';
import { processesContract } from '../../../src/shared/processes/processes.api';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { openApp, type TestApp } from '../../support/wires';
import { ask, cheat, giveUp, openSale, play } from './happenings';
import { internal, operator, password, settings } from './operators';

// The numbers of a process, as its operators' charts need them.

let database: TestDatabase;
let app: TestApp;

beforeAll(async () => {
  database = await (everyDatabase[0] as (typeof everyDatabase)[number]).create();
  app = await openApp(database.url, settings);
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

async function stats(): Promise<Stats> {
  const { code, body } = await app.http.call(contract, 'getStats', {}, operator);
  expect(code).toBe('ok');
  return body as unknown as Stats;
}

const count = (counts: readonly StatsCount[], name: string) => counts.find((one) => one.name === name)?.count;

test('what happens is counted, and nothing else is', async () => {
  const before = await stats();
  const id = await play(app, 'player-1', 250);
  await play(app, 'player-1', 250);
  await cheat(app, 'cheater-1');
  await giveUp(app, id, 'on purpose');
  await openSale(app, 'a-sale');
  await eventually(async () => {
    const now = await stats();
    expect(count(now.events, 'accepted')).toBe((count(before.events, 'accepted') ?? 0) + 2);
    expect(count(now.refused, 'player_blocked')).toBe((count(before.refused, 'player_blocked') ?? 0) + 1);
    expect(now.decisions).toContainEqual({ rule: 'jump', action: 'refuse', mode: 'enforce', count: 1 });
    expect(now.consumers).toContainEqual({ consumer: 'leaderboard', events: 0, seconds: 0, givenUp: 0 });
    expect(now.consumers).toContainEqual({ consumer: 'progression', events: 0, seconds: 0, givenUp: 1 });
    expect(now.boards).toContainEqual({ name: 'weekly', count: 1 });
    expect(count(now.requests, '2xx')).toBeGreaterThan(count(before.requests, '2xx') ?? 0);
    expect(now.outboxes.map(({ feature, consumer }) => `${feature} ${consumer}`)).toContain('reservations queue');
    expect(now.load?.cpuSeconds).toBeGreaterThan(before.load?.cpuSeconds ?? 0);
    expect(now.load?.memoryBytes).toBeGreaterThan(1_000_000);
  });
  const now = await stats();
  expect(now.status).toBe('ready');
  expect(now.checks).toContainEqual({ name: 'database', status: 'healthy', reason: '' });
  expect(['waiting', 'present', 'admitted'].map((name) => count(now.queue, name))).toEqual([0, 0, 0]);
  const { body } = await app.http.call(processesContract, 'getProcess', {}, operator);
  expect([now.processId, now.process]).toEqual([body.id, `${String(body.host)}/${String(body.pid)}`]);
});

test('both wires answer the same', async () => {
  await eventually(async () => {
    const [http, grpc] = [
      await app.http.call(contract, 'getStats', {}, operator),
      await app.grpc.call(contract, 'getStats', {}, operator),
    ];
    expect([http.code, grpc.code]).toEqual(['ok', 'ok']);
    // Unless a second has passed between them.
    expect(grpc.body).toEqual(http.body);
  });
});

test('however many ask at a time, the databases are asked for all of them at once', async () => {
  let asked = 0;
  const getProcess = async (): Promise<Process> => {
    asked += 1;
    await new Promise((resolve) => setImmediate(resolve));
    return { id: 'one', host: 'here', pid: 1, circuits: [] as Circuit[] } as Process;
  };
  const report = async (): Promise<ReadinessReport> => ({ status: 'ready', checks: {} });
  const parts = [new Figures(new Metrics()), { getProcess }, { report }, new SystemClock()];
  const service = new ConsoleService(...(parts as ConstructorParameters<typeof ConsoleService>));
  const found = await Promise.all(Array.from({ length: 50 }, () => service.getStats()));
  expect(new Set(found).size).toBe(asked);
  // The first, and one for all who came while it was made.
  expect(asked).toBe(2);
});

test('a metric with more labels than it should have does not make the answer large', async () => {
  const metrics = new Metrics();
  const counter = metrics.counter('stray_total', 'Has gone astray', ['name']);
  for (let i = 0; i < 500; i += 1) counter.inc({ name: `n${i}` });
  expect(await new Figures(metrics).sums('stray_total', 'name')).toHaveLength(100);
});

test.each(['http', 'grpc'] as const)('over %s nobody but operators is answered', async (wire) => {
  const email = `${randomUUID()}@example.com`;
  const session = await app.http.call(auth, 'register', { name: 'Ada', email, password });
  const bearer = { authorization: `Bearer ${String(session.body.accessToken)}` };
  expect((await app[wire].call(contract, 'getStats', {}, bearer)).code).toBe('forbidden');
  expect((await app[wire].call(contract, 'getStats', {})).code).toBe('token_invalid');
  expect((await app[wire].call(contract, 'getStats', {}, { authorization: 'Bearer wrong' })).code).toBe(
    'token_invalid',
  );
});

test('no secret, no player and no address of mail is in it', async () => {
  await ask(app, fairness, 'blockPlayer', { playerId: 'rude-player', seconds: 60, reason: 'a private reason' });
  await app.http.call(auth, 'register', { name: 'Grace', email: 'grace@example.com', password });
  await play(app, 'secretive-player');
  const text = JSON.stringify(await stats());
  for (const known of [internal, 'rude-player', 'private', 'grace', 'secretive', 'development-secret', database.url])
    expect(text).not.toContain(known);
  expect(text.length).toBeLessThan(16_384);
});

test('of what does not run in the process nothing is counted', async () => {
  await using other = await openApp('sqlite::memory:', { ...settings, MODULES: 'console,users,auth' });
  const { body } = await other.http.call(contract, 'getStats', {}, operator);
  expect(body).toMatchObject({ events: [], refused: [], consumers: [], decisions: [], boards: [], queue: [] });
});
