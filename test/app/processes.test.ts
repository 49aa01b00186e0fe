import { statusLines } from '../../src/client/status';
import { eventsGatewayContract as gateway } from '../../src/features/events-gateway/events-gateway.api';
import { leaderboardContract as leaderboard } from '../../src/features/leaderboard/leaderboard.api';
import type { ListProcessesResponse, Process } from '../../src/generated/aerie/processes/v1/processes';
import { processesContract as contract } from '../../src/shared/processes/processes.api';
import { eventually } from '../support/eventually';
import { type OpenSplit, openSplit } from '../support/open-split';
import { type RedisServer, startRedis } from '../support/redis';
import { type DatabaseServer, startPostgres } from '../support/servers';
import { eventBody, signed } from '../support/signed';
import { eventsAlone } from '../support/split';
import type { TestApp } from '../support/wires';

// ISSUE 11: which process serves what, its version, lag and breaker states.

const { version } = jest.requireActual<{ version: string }>('../../package.json');

let redis: RedisServer;
let database: DatabaseServer;
let system: OpenSplit;

beforeAll(async () => {
  redis = await startRedis();
  database = await startPostgres();
  const counts = { gateway: 2, fairness: 1, progression: 1, leaderboard: 2, ...eventsAlone };
  system = await openSplit({ databaseUrl: database.url, redis }, counts);
});
afterAll(async () => {
  await system[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
});

async function listed(app: TestApp, wire: 'http' | 'grpc'): Promise<ListProcessesResponse> {
  const { code, body } = await app[wire].call(contract, 'listProcesses', {});
  expect(code).toBe('ok');
  return body as unknown as ListProcessesResponse;
}

const running = (processes: readonly Process[]): string[] => processes.map(({ modules }) => modules.join(' ')).sort();
const everybody = [
  'events-gateway console',
  'events-gateway console',
  'fairness',
  'leaderboard',
  'leaderboard',
  'progression',
];

test.each(['http', 'grpc'] as const)(
  'over %s any process tells of all: what runs in each, its version, that it is ready',
  async (wire) => {
    const gateways = system.of('gateway') as [TestApp, TestApp];
    for (const [i, app] of gateways.entries()) {
      const { processes, silent } = await listed(app, wire);
      expect(silent).toEqual([]);
      expect(running(processes)).toEqual(everybody);
      for (const one of processes) expect(one).toMatchObject({ version, status: 'ready', pid: process.pid });
      const [own, ...others] = processes as [Process, ...Process[]];
      expect(own).toMatchObject({
        modules: ['events-gateway', 'console'],
        exposes: ['fairness', 'leaderboard', 'progression'],
        addresses: [],
      });
      // Its own address is among those it asked, and is not another process.
      const found = others.flatMap(({ addresses }) => addresses);
      const ports = system.parts.map(({ placed }) => `grpc://127.0.0.1:${placed.grpc}`);
      expect(found.sort()).toEqual(ports.filter((_port, place) => place !== i).sort());
      expect((await app[wire].call(contract, 'getProcess', {})).body).toMatchObject({
        id: own.id,
        modules: own.modules,
      });
    }
  },
);

test('consumers tell how far they are behind, breakers how they are', async () => {
  const [app] = system.of('gateway') as [TestApp];
  await app.http.call(gateway, 'ingest', signed('seen-1', eventBody({ playerId: 'seen', payload: { deltaXp: 3 } })));
  await app.http.call(leaderboard, 'getLeaderboard', { window: 'daily' });
  await eventually(async () => {
    const { processes } = await listed(app, 'http');
    const lags = processes.flatMap(({ consumers }) => consumers);
    expect(lags.map(({ consumer }) => consumer).sort()).toEqual(['leaderboard', 'leaderboard', 'progression']);
    for (const lag of lags) expect(lag).toMatchObject({ events: 0, seconds: 0 });
    const breakers = processes[0]?.circuits.filter(({ dependency }) => dependency === 'leaderboard');
    expect(breakers?.map(({ state }) => state)).toEqual(['closed', 'closed']);
  });
});

test('who does not answer is told, and costs nobody else his place', async () => {
  const [app] = system.of('gateway') as [TestApp];
  const [gone] = system.parts.filter(({ name }) => name === 'leaderboard');
  await gone?.close();
  const { processes, silent } = await listed(app, 'http');
  const address = `grpc://127.0.0.1:${gone?.placed.grpc}`;
  expect(silent).toEqual([{ address, reason: 'nobody answers', features: ['leaderboard'] }]);
  expect(running(processes)).toEqual(everybody.toSpliced(3, 1));
  await gone?.open();
});

test('while the database hangs every process is told of, though not how far its consumers are behind', async () => {
  const [app] = system.of('gateway') as [TestApp];
  database.freeze();
  try {
    const { processes, silent } = await listed(app, 'grpc');
    expect(silent).toEqual([]);
    expect(running(processes)).toEqual(everybody);
    for (const one of processes) expect(one).toMatchObject({ consumers: [] });
  } finally {
    database.resume();
  }
});

test('nobody but operators is told', async () => {
  const [app] = system.of('gateway') as [TestApp];
  for (const path of ['/processes', '/processes/self']) {
    // Behind a proxy nobody is taken for the developer.
    const { status, code } = await app.http.send('GET', path, { 'x-forwarded-for': '203.0.113.9' });
    expect([path, status, code]).toEqual([path, 401, 'token_invalid']);
  }
});

const one: Process = {
  id: 'a',
  host: 'gateway-0',
  pid: 17,
  addresses: [],
  version: '1.2.3',
  startedAt: '2026-11-27T10:00:00.000Z',
  modules: ['events-gateway'],
  exposes: ['leaderboard', 'fairness'],
  status: 'ready',
  checks: [{ name: 'leaderboard', status: 'degraded', reason: '1 of 2 addresses do not answer: b:1' }],
  consumers: [],
  circuits: [{ dependency: 'leaderboard', address: 'b:1', state: 'open' }],
};
const other: Process = {
  ...one,
  host: 'board-1',
  addresses: ['grpc://c:1', 'http://c:2'],
  startedAt: '2026-11-24T09:59:50.000Z',
  modules: ['leaderboard'],
  exposes: [],
  status: 'not_ready',
  checks: [],
  consumers: [{ consumer: 'leaderboard', events: 1200, seconds: 3.5 }],
  circuits: [],
};

const lost = { address: 'grpc://b:1', reason: 'nobody answers', features: ['users', 'auth'] };

test('a person reads it in tables', () => {
  const found = { processes: [one, other], silent: [lost] };
  expect(statusLines(found, Date.parse('2026-11-27T10:05:00.000Z'))).toEqual([
    'process        address   version   up        runs             answers for            status',
    '------------   -------   -------   -------   --------------   --------------------   ---------',
    'gateway-0/17   (asked)   1.2.3     5 min     events-gateway   leaderboard fairness   ready',
    'board-1/17     c:1 c:2   1.2.3     3 d 0 h   leaderboard      -                      not_ready',
    '',
    'consumer      in           events behind   seconds',
    '-----------   ----------   -------------   -------',
    'leaderboard   board-1/17            1200       3.5',
    '',
    'from           to            address   breaker',
    '------------   -----------   -------   -------',
    'gateway-0/17   leaderboard   b:1       open',
    '',
    'process        check         is         reason',
    '------------   -----------   --------   -----------------------------------',
    'gateway-0/17   leaderboard   degraded   1 of 2 addresses do not answer: b:1',
    '',
    'no answer from   said to run   reason',
    '--------------   -----------   --------------',
    'grpc://b:1       users auth    nobody answers',
  ]);
});

test('of a process that knows no addresses it says so', () => {
  const alone = 'It knows of no other process: no <FEATURE>_URL is set there that names one.';
  const found = { processes: [one], silent: [] };
  expect(statusLines(found, 0).slice(2, 5)).toEqual([expect.stringMatching(/^gateway-0/), '', alone]);
  for (const more of [
    { ...found, processes: [one, other] },
    { ...found, silent: [lost] },
  ])
    expect(statusLines(more, 0)).not.toContain(alone);
});
