import { spawnSync } from 'node:child_process';
import { authContract as auth } from '../../src/features/auth/auth.api';
import { eventsGatewayContract as gateway } from '../../src/features/events-gateway/events-gateway.api';
import { progressionContract as progression } from '../../src/features/progression/progression.api';
import { reservationsContract as reservations } from '../../src/features/reservations/reservations.api';
import { usersContract as users } from '../../src/features/users/users.api';
import { ensureBuilt } from '../support/app';
import { type DatabaseKind, everyDatabase, type TestDatabase } from '../support/databases';
import { eventually } from '../support/eventually';
import { type OpenSplit, openSplit } from '../support/open-split';
import { type ReceivedSpan, type Receiver, startReceiver } from '../support/otlp';
import { type RedisServer, startRedis } from '../support/redis';
import { eventBody, signed } from '../support/signed';
import { openApp, type TestApp } from '../support/wires';

// SPEC 9, tracing: one connected trace from a request through the group commit, the log, the bus, both consumers and their SQL.

const [sqlite, postgres] = ['sqlite', 'postgres'].map((name) => everyDatabase.find((one) => one.name === name)) as [
  DatabaseKind,
  DatabaseKind,
];
const [server, client, producer, consumer] = [2, 3, 4, 5];
const parentSpan = 'b7ad6b7169203331';
let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(() => receiver[Symbol.asyncDispose]());

let count = 0;
function newTrace(): string {
  count += 1;
  return `4bf92f3577b34da6a3ce${count.toString(16).padStart(12, '0')}`;
}

function open(environment: Record<string, string> = {}): Promise<TestApp> {
  return openApp('sqlite::memory:', { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, ...environment });
}

function bodyOf(playerId: string) {
  return eventBody({ playerId, occurredAt: new Date().toISOString(), payload: { deltaXp: 1 } });
}

/** Waits until both consumers are in the trace, and all of it is connected to `root`. */
async function connected(traceId: string, root: string | undefined): Promise<ReceivedSpan[]> {
  await eventually(async () => {
    const spans = receiver.of(traceId);
    // Whoever tries again has a span for each try.
    const heard = spans.filter(({ kind }) => kind === consumer);
    const names = new Set(heard.map(({ attributes }) => attributes['messaging.consumer.group.name']));
    expect([...names].sort()).toEqual(['leaderboard', 'progression']);
    const known = new Set([root, ...spans.map(({ spanId }) => spanId)]);
    expect(spans.filter(({ parentSpanId }) => !known.has(parentSpanId))).toEqual([]);
    expect(spans.filter(({ kind }) => kind === server).length).toBeGreaterThan(0);
  });
  return receiver.of(traceId);
}

test.each(['http', 'grpc'] as const)('an event over %s is one trace to both consumers and their SQL', async (wire) => {
  await using app = await open();
  const traceId = newTrace();
  const headers = { traceparent: `00-${traceId}-${parentSpan}-01` };
  expect((await app[wire].call(gateway, 'ingest', signed(`traced-${wire}`, bodyOf('ada')), headers)).code).toBe('ok');
  const spans = await connected(traceId, parentSpan);
  const named = (name: string, kind: number): ReceivedSpan => {
    const found = spans.filter((span) => span.name === name && span.kind === kind);
    expect(found).toHaveLength(1);
    return found[0] as ReceivedSpan;
  };
  const root = named(wire === 'http' ? 'POST /events' : 'aerie.events_gateway.v1.EventsGatewayService/Ingest', server);
  expect(root.parentSpanId).toBe(parentSpan);
  const commit = named('commit events', 1);
  expect(commit.parentSpanId).toBe(root.spanId);
  expect(named('INSERT game_events', client).parentSpanId).toBe(commit.spanId);
  expect(named('publish accepted-events', producer).parentSpanId).toBe(commit.spanId);
  for (const applied of spans.filter(({ kind }) => kind === consumer)) {
    expect(applied.parentSpanId).toBe(root.spanId);
    const [transaction] = spans.filter(
      ({ parentSpanId, name }) => parentSpanId === applied.spanId && name === 'transaction',
    );
    expect(
      spans.filter(({ parentSpanId, kind }) => parentSpanId === transaction?.spanId && kind === client).length,
    ).toBeGreaterThan(1);
  }
});

test('who begins a trace decides by its share; whoever has called decides before that', async () => {
  const [recorded, refused, own] = [newTrace(), newTrace(), newTrace()];
  {
    await using app = await open({ OTEL_TRACES_SAMPLER_ARG: '0' });
    const get = (headers: Record<string, string>) => app.http.call(users, 'getUser', { id: 'nobody' }, headers);
    await get({ traceparent: `00-${recorded}-${parentSpan}-01` });
    await get({ 'x-trace-id': own });
  }
  {
    await using app = await open();
    await app.http.call(users, 'getUser', { id: 'nobody' }, { traceparent: `00-${refused}-${parentSpan}-00` });
  }
  expect(receiver.of(recorded).length).toBeGreaterThan(0);
  expect([...receiver.of(own), ...receiver.of(refused)]).toEqual([]);
});

test('what is answered and logged is the id of the trace; what is still to be sent when the process ends is sent', async () => {
  const before = receiver.spans.length;
  const app = await open();
  const { headers } = await fetch(`${app.url}/users/nobody`);
  const traceId = headers.get('x-trace-id') ?? '';
  await app[Symbol.asyncDispose]();
  expect(receiver.of(traceId).map(({ name }) => name)).toContain('GET /users/:id');
  const [span] = receiver.spans.slice(before);
  expect(span?.resource).toMatchObject({ 'service.name': 'aerie', 'service.version': expect.any(String) });
});

describe('split in four, over Redis', () => {
  let redis: RedisServer;
  let database: TestDatabase;
  let system: OpenSplit;
  beforeAll(async () => {
    redis = await startRedis();
    database = await postgres.create();
    const parts = { gateway: 1, fairness: 1, progression: 1, leaderboard: 1 };
    const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url };
    system = await openSplit({ databaseUrl: database.url, redis }, parts, environment);
  });
  afterAll(async () => {
    await system[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
    await redis[Symbol.asyncDispose]();
  });

  test.each(['http', 'grpc'] as const)('an event over %s is one trace through all of them', async (wire) => {
    const traceId = newTrace();
    const headers = { traceparent: `00-${traceId}-${parentSpan}-01` };
    const [app] = system.of('gateway');
    expect((await app?.[wire].call(gateway, 'ingest', signed(`split-${wire}`, bodyOf('ada')), headers))?.code).toBe(
      'ok',
    );
    await connected(traceId, parentSpan);
    // Fairness is asked by a call, the consumers hear of it over Redis or read the log. Each process sends what it has when it likes.
    const processes = () => new Set(receiver.of(traceId).map(({ resource }) => resource['service.instance.id']));
    await eventually(async () => expect(processes().size).toBe(4));
    const spans = await connected(traceId, parentSpan);
    const asked = spans.find(({ name, kind }) => name.includes('FairnessService') && kind === client);
    expect(spans.find(({ parentSpanId }) => parentSpanId === asked?.spanId)?.kind).toBe(server);
  });

  test('commands of Redis are part of what they are sent for', async () => {
    const traceId = newTrace();
    const headers = { traceparent: `00-${traceId}-${parentSpan}-01` };
    const [app] = system.of('progression');
    await app?.http.call(progression, 'getProgress', { playerId: 'ada' }, headers);
    await eventually(async () => {
      const redisSpans = receiver.of(traceId).filter(({ attributes }) => attributes['db.system.name'] === 'redis');
      expect(redisSpans.length).toBeGreaterThan(0);
    });
  });
});

test('an announcement carries its trace to whoever hears it', async () => {
  await using place = await sqlite.create();
  await using app = await openApp(place.url, { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url });
  const [sale, items] = [
    { saleId: 'final', title: 'The final', currency: 'EUR', opensAt: '2020-01-01T00:00:00Z' },
    [{ sectionId: 'floor', quantity: 1 }],
  ];
  const sections = [{ sectionId: 'floor', price: 4000, capacity: 10, seats: [] }];
  expect(
    (
      await app.http.call(
        reservations,
        'createSale',
        { ...sale, holdSeconds: 900, sections },
        { 'idempotency-key': 'a-sale-that-is-made' },
      )
    ).code,
  ).toBe('ok');
  const key = { 'idempotency-key': 'a-hold-that-is-made' };
  const { body: held } = await app.grpc.call(reservations, 'createReservation', { saleId: 'final', items }, key);
  const traceId = newTrace();
  const headers = { traceparent: `00-${traceId}-${parentSpan}-01`, 'idempotency-key': 'it-is-given-back-later' };
  expect((await app.grpc.call(reservations, 'cancelReservation', { id: held.id }, headers)).code).toBe('ok');
  await eventually(async () => {
    const spans = receiver.of(traceId);
    const known = new Set([parentSpan, ...spans.map(({ spanId }) => spanId)]);
    expect(spans.filter(({ parentSpanId = '' }) => !known.has(parentSpanId))).toEqual([]);
    expect(spans.filter(({ kind }) => kind === consumer).length).toBeGreaterThan(0);
  });
});

test('waiting for a lock is part of the trace', async () => {
  await using app = await open();
  const [traceId, named] = [newTrace(), { name: 'Ada', email: 'ada@example.com' }];
  const { body } = await app.http.call(users, 'createUser', named, { 'idempotency-key': 'a-user-that-is-made' });
  const headers = { traceparent: `00-${traceId}-${parentSpan}-01` };
  expect((await app.http.call(users, 'updateUser', { id: body.id, name: 'Grace' }, headers)).code).toBe('ok');
  await eventually(async () => expect(receiver.of(traceId).map(({ name }) => name)).toContain('lock'));
});

test('nothing of a person is in a span', async () => {
  await using place = await sqlite.create();
  await using redis = await startRedis();
  const secrets = ['ada@example.com', 'correct horse', 'Ada Lovelace', 'player-of-ada', 'event-of-ada', 'Bearer'];
  {
    await using app = await openApp(place.url, {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      AUTH_REQUIRED: 'true',
      REDIS_URL: redis.url,
    });
    const person = { name: 'Ada Lovelace', email: 'ada@example.com', password: 'correct horse' };
    const { body } = await app.http.call(auth, 'register', person);
    const { user, accessToken } = body as unknown as {
      readonly user: { readonly id: string };
      readonly accessToken: string;
    };
    secrets.push(user.id, accessToken);
    const own = { authorization: `Bearer ${accessToken}` };
    for (const wire of [app.http, app.grpc]) {
      await wire.call(auth, 'login', { email: person.email, password: person.password });
      await wire.call(users, 'getUser', { id: user.id }, own);
      await wire.call(progression, 'getProgress', { playerId: 'player-of-ada' }, own);
      await wire.call(gateway, 'ingest', signed(`event-of-ada-${wire.name}`, bodyOf('player-of-ada')));
    }
  }
  const text = JSON.stringify(receiver.spans);
  expect(receiver.spans.length).toBeGreaterThan(50);
  expect(secrets.filter((secret) => text.includes(secret))).toEqual([]);
});

// prom-client asks for its API, which does nothing by itself.
test('without an endpoint nothing of OpenTelemetry is loaded', () => {
  ensureBuilt();
  const script = `
    const { startApp } = require('./dist/app.js');
    const { features } = require('./dist/features/index.js');
    const { loadConfig } = require('./dist/shared/config/load-config.js');
    const environment = { DATABASE_URL: 'sqlite::memory:', HTTP_PORT: '0', GRPC_PORT: '0', CHAT_PORT: '0', SHUTDOWN_DRAIN_MS: '0', LOG_LEVEL: 'fatal' };
    (async () => {
      const app = await startApp(loadConfig(environment, features));
      await app.stop();
      console.log(Object.keys(require.cache).filter((file) => file.includes('@opentelemetry') && !file.includes('@opentelemetry/api/')).length);
    })();`;
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
  expect([stdout, stderr]).toEqual(['0\n', '']);
});
