import { Client, Server, ServerCredentials } from '@grpc/grpc-js';
import { loadSync, type ServiceDefinition } from '@grpc/proto-loader';
import { eventsGatewayContract as gateway } from '../../../src/features/events-gateway/events-gateway.api';
import { fairnessContract as fairness } from '../../../src/features/fairness/fairness.api';
import { progressionContract as progression } from '../../../src/features/progression/progression.api';
import type { AnyContract } from '../../../src/shared/contract/contract';
import { loaderOptions, protoFile } from '../../../src/shared/contract/proto';
import { GrpcChannel } from '../../../src/shared/remote/grpc.client';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { internal, internalSecret } from '../../support/placements';
import { signed } from '../../support/signed';
import { openApp, type TestApp } from '../../support/wires';

// ISSUE 11: hot calls between processes travel in groups on one stream, and mean what they mean by themselves.

let database: TestDatabase;
let house: TestApp;
const channels: GrpcChannel[] = [];

beforeAll(async () => {
  database = await (everyDatabase[0] as (typeof everyDatabase)[number]).create();
  house = await openApp(database.url, { ...internal, AUTH_REQUIRED: 'true' });
});
afterEach(async () => {
  jest.restoreAllMocks();
  for (const channel of channels.splice(0)) await channel[Symbol.asyncDispose]();
});
afterAll(async () => {
  await house[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

function open(contract: AnyContract, address = `grpc://${house.grpcAddress}`, bearer: string | null = internalSecret) {
  const channel = new GrpcChannel(contract, address, bearer === null ? {} : { bearer });
  channels.push(channel);
  return channel;
}

const check = (channel: GrpcChannel, player: string, points = 1) =>
  channel.grouped(
    'check',
    { events: [{ eventId: `e-${player}`, type: 'progression', playerId: player, points }] },
    {},
    3000,
  );
const reason = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'ok',
    (error: { code: string }) => error.code,
  );

/** The streams that are opened from now on, and how many messages were written to each. */
function watched() {
  const writes: number[] = [];
  const make = Client.prototype.makeBidiStreamRequest;
  jest.spyOn(Client.prototype, 'makeBidiStreamRequest').mockImplementation(function (this: Client, ...args: unknown[]) {
    const stream = (make as (...all: unknown[]) => ReturnType<typeof make>).apply(this, args);
    const [write, place] = [stream.write.bind(stream), writes.push(0) - 1];
    stream.write = ((...all: Parameters<typeof write>) => {
      writes[place] = (writes[place] ?? 0) + 1;
      return write(...all);
    }) as typeof stream.write;
    return stream;
  } as never);
  return writes;
}

test('what is called in one turn of the event loop is one message; each has its own answer', async () => {
  const channel = open(fairness);
  const writes = watched();
  const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => check(channel, `p-${i}`, i % 2 ? 1 : 5000)));
  const decisions = answers.map((answer) => (answer as { verdicts: { decision: string }[] }).verdicts[0]?.decision);
  expect(decisions).toEqual(Array.from({ length: 200 }, (_, i) => (i % 2 ? 'allow' : 'block')));
  expect(writes).toEqual([1]);
  await check(channel, 'later');
  expect(writes).toEqual([2]);
});

test('errors and facts are those of a call by itself; one call has nothing to do with its neighbours', async () => {
  const channel = open(gateway);
  const event = { type: 'progression', playerId: 'p', occurredAt: new Date().toISOString(), payload: { deltaXp: 1 } };
  const messages = [
    signed('grouped-1', event),
    { ...signed('grouped-2', event), signatures: ['00'.repeat(32)] },
    signed('', event),
    signed('grouped-4', { ...event, playerId: 'bad player' }),
    signed('grouped-1', event),
  ];
  const outcome = async (work: Promise<object>) =>
    work.then(
      (body) => body,
      ({ kind, code, message, details }) => ({ kind, code, message, details }),
    );
  const grouped = await Promise.all(messages.map((message) => outcome(channel.grouped('ingest', message, {}, 3000))));
  const alone: object[] = [];
  for (const message of messages) alone.push(await outcome(channel.unary('ingest', message, {}, 3000)));
  expect(grouped.slice(1)).toEqual(alone.slice(1));
  expect(grouped[0]).toMatchObject({ status: 'accepted' });
});

test('large messages travel apart, and all arrive', async () => {
  const channel = open(fairness);
  const writes = watched();
  const events = (i: number) =>
    Array.from({ length: 400 }, (_, j) => ({
      eventId: `${'x'.repeat(200)}-${i}-${j}`,
      type: 'progression',
      playerId: `l-${j}`,
      points: 1,
    }));
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, i) => channel.grouped('check', { events: events(i) }, {}, 5000)),
  );
  expect(answers.map((answer) => (answer as { verdicts: unknown[] }).verdicts.length)).toEqual(new Array(12).fill(400));
  expect(writes[0]).toBe(12);
});

test('without the secret, or with a wrong one, nobody gains a right; nor does who says so of himself', async () => {
  for (const bearer of [null, 'wrong'])
    expect(await reason(check(open(fairness, undefined, bearer), 'p'))).toBe('token_invalid');
  const channel = new GrpcChannel(fairness, `grpc://${house.grpcAddress}`, {
    headers: () => ({ authorization: `Bearer ${internalSecret}`, 'x-aerie-subject': 'p' }),
  });
  channels.push(channel);
  expect(await reason(check(channel, 'p'))).toBe('token_invalid');
  const player = new GrpcChannel(fairness, `grpc://${house.grpcAddress}`, {
    bearer: internalSecret,
    headers: () => ({ 'x-aerie-subject': '01KAJ0000000000000000000AA' }),
  });
  channels.push(player);
  expect(await reason(check(player, 'p'))).toBe('forbidden');
});

test('a server of an earlier version is called one by one', async () => {
  const service = loadSync(protoFile(progression), loaderOptions)['aerie.progression.v1.ProgressionService'];
  const server = new Server();
  const handler = (_call: unknown, callback: (error: null, answer: object) => void) => callback(null, { xp: 7 });
  const names = Object.keys(service as ServiceDefinition);
  server.addService(service as ServiceDefinition, Object.fromEntries(names.map((name) => [name, handler])));
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  const channel = open(progression, `grpc://127.0.0.1:${port}`);
  const writes = watched();
  for (let i = 0; i < 3; i += 1)
    expect(await channel.grouped('getProgress', { playerId: 'p' }, {}, 3000)).toMatchObject({ xp: 7 });
  expect(writes).toEqual([1]);
  server.forceShutdown();
});

test('nobody there, and a server that ends with calls on their way: each call says so', async () => {
  const app = await openApp('sqlite::memory:', internal);
  const channel = open(gateway, `grpc://${app.grpcAddress}`);
  const read = () => channel.grouped('readEvents', { afterSeq: 0 }, {}, 3000);
  expect(await reason(read())).toBe('ok');
  const going = Array.from({ length: 50 }, read);
  await app[Symbol.asyncDispose]();
  const told = await Promise.all(going.map(reason));
  for (const code of told) expect(['ok', 'unavailable']).toContain(code);
  expect(await reason(read())).toBe('unavailable');
});
