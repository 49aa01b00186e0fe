import { once } from 'node:events';
import { connect } from 'node:net';
import { HandlerDeadline } from '../../../src/shared/http/http.deadline';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { eventBody, signed } from '../../support/signed';
import { openApp, type TestApp } from '../../support/wires';

// `POST /events` in its plainest form is served before Fastify; in any other form by Fastify. What is answered is the same,
// byte by byte: a table of requests is sent both ways, and they differ in a charset only.

const plain = 'application/json';
const viaFastify = 'application/json; charset=utf-8';

let database: TestDatabase;
let app: TestApp;
const ways: string[] = [];

beforeAll(async () => {
  database = await everyDatabase[0]!.create();
  const limits = { RATE_LIMIT_MAX: '1000', RATE_LIMIT_BURST: '5000', ALLOWED_ORIGINS: 'https://studio.example' };
  app = await openApp(database.url, limits, { fairness: 'off' });
  const { begin } = HandlerDeadline.prototype;
  jest.spyOn(HandlerDeadline.prototype, 'begin').mockImplementation(function (this: HandlerDeadline, ...args) {
    ways.push('routeOptions' in args[0] ? 'fastify' : 'hot');
    return begin.apply(this, args);
  });
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

interface Sent {
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/** Sends one request, byte for byte; resolves with the answer's status line, sorted headers and body. */
async function exchange({ headers, body }: Sent, type: string): Promise<readonly string[]> {
  const socket = connect(Number(new URL(app.url).port), '127.0.0.1');
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  socket.on('error', () => undefined);
  const lines = ['POST /events HTTP/1.1', `Content-Type: ${type}`, 'Connection: close', ...headers, '', ''];
  socket.write(lines.join('\r\n'));
  socket.write(body);
  await once(socket, 'close');
  const [head = '', answer = ''] = text.split('\r\n\r\n');
  const [status = '', ...fields] = head.split('\r\n');
  return [status, ...fields.filter((field) => !/^date:/i.test(field)).sort(), answer];
}

type Make = (id: string) => { readonly message: ReturnType<typeof signed>; readonly change?: readonly string[] };

const event = (id: string, change: object = {}) => signed(id, eventBody({ playerId: 'hot', ...change }));
const bodies: Readonly<Record<string, Make>> = {
  progression: (id) => ({ message: event(id) }),
  'boss kill': (id) => ({
    message: event(id, { type: 'boss_kill', payload: { bossId: 'hydra', tier: 2, points: 30 } }),
  }),
  drop: (id) => ({ message: event(id, { type: 'drop_claimed', payload: { dropId: 'd1', weight: 3 } }) }),
  'spaces in it': (id) => ({ message: signed(id, ` ${JSON.stringify(eventBody({ playerId: 'hot' }), null, 1)}`) }),
  'unknown type': (id) => ({ message: event(id, { type: 'unknown' }) }),
  'a further field': (id) => ({ message: event(id, { further: 1 }) }),
  'payload out of range': (id) => ({ message: event(id, { payload: { deltaXp: 0 } }) }),
  'too late': (id) => ({ message: event(id, { occurredAt: '2020-01-01T00:00:00.000Z' }) }),
  'no time': (id) => ({ message: event(id, { occurredAt: 'yesterday' }) }),
  'no object': (id) => ({ message: signed(id, '[]') }),
  'no JSON': (id) => ({ message: signed(id, '{"type":') }),
  'a name twice': (id) => ({ message: signed(id, '{"type":"progression","type":"boss_kill"}') }),
  'no UTF-8': (id) => ({ message: signed(id, Buffer.from([0x7b, 0xff, 0x7d])) }),
  'a wrong signature': (id) => ({ message: { ...event(id), signatures: ['0'.repeat(64)] } }),
  'a wrong key': (id) => ({ message: { ...event(id), keyId: 'nobody' } }),
  'too old a signature': (id) => ({ message: signed(id, eventBody(), { timestamp: 1_700_000_000 }) }),
  'no signature': (id) => ({ message: event(id), change: ['X-Signature'] }),
  'no key': (id) => ({ message: event(id), change: ['Idempotency-Key'] }),
  'a key that is none': (id) => ({ message: event(`${id} ä/${'x'.repeat(200)}`) }),
  'too large': (id) => ({ message: signed(id, 'x'.repeat(16 * 1024 + 1)) }),
};

const trace = 'X-Trace-ID: trace-of-test';
const variations: Readonly<Record<string, readonly string[]>> = {
  'a trace id': [trace],
  'a traceparent': ['traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'],
  'a trace id that is none, and a traceparent': [
    'X-Trace-ID: not a trace',
    'traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00',
  ],
  'an origin': [trace, 'Origin: https://studio.example'],
  'another origin': [trace, 'Origin: https://elsewhere.example'],
  'a token that is none': [trace, 'Authorization: Bearer nonsense'],
  'a known ETag': [trace, 'If-None-Match: *'],
  'a second spelling of the signature': [trace, 'webhook-id: other'],
  'an encoding': [trace, 'Content-Encoding: gzip'],
  'two hosts': [trace, 'Host: second'],
};

let made = 0;
function requestOf(make: Make, variation: readonly string[], way: string, id = `${way}-${made}`): Sent {
  const { message, change = [] } = make(id);
  const { timestamp, keyId, signatures, body } = message;
  const bytes = Buffer.from(body);
  const elements = [`t=${timestamp}`, ...(keyId ? [`kid=${keyId}`] : []), ...signatures.map((hex) => `v1=${hex}`)];
  const own = [`Idempotency-Key: ${message.id}`, `X-Signature: ${elements.join(',')}`];
  const kept = own.filter((line) => !change.some((name) => line.startsWith(name)));
  return {
    headers: ['Host: localhost', ...kept, ...variation, `Content-Length: ${bytes.length}`],
    body: bytes,
  };
}

/** What tells the two ways apart: the ids, the Content-Length that follows from them, and what is left of the limit. */
const alike = (answer: readonly string[]): string[] =>
  answer.map((line) =>
    line
      .replace(/\b(hot|fst)-\d+/g, 'id')
      // Both were signed when they were made: a second may begin in between.
      .replace(/\bt \d{10}\b/g, 't now')
      .replace(/^(ratelimit: "\w+";r=)\d+;t=\d+/i, '$1left'),
  );

const table = Object.entries(bodies).flatMap(([name, make]) =>
  Object.entries(variations).map(([variation, headers]) => ({ name, variation, make, headers })),
);

test(`${table.length} requests have the same answer both ways`, async () => {
  expect(table).toHaveLength(200);
  const taken = new Set<string>();
  for (const { name, variation, make, headers } of table) {
    made += 1;
    ways.length = 0;
    const hot = await exchange(requestOf(make, headers, 'hot'), plain);
    if (ways[0] === 'hot') taken.add(name);
    const slow = await exchange(requestOf(make, headers, 'fst'), viaFastify);
    expect(ways.slice(1)).toEqual(ways.slice(1).map(() => 'fastify'));
    expect([name, variation, ...alike(hot)]).toEqual([name, variation, ...alike(slow)]);
  }
  // Only a body that is too large has no handler to reach.
  expect([...taken].sort()).toEqual(
    Object.keys(bodies)
      .filter((name) => name !== 'too large')
      .sort(),
  );
});

test('what was accepted one way is a duplicate the other way, and another body is refused', async () => {
  const send = (type: string, change = {}) =>
    exchange(
      requestOf((id) => ({ message: event(id, { occurredAt, ...change }) }), [trace], '', 'hot-same'),
      type,
    );
  const occurredAt = new Date().toISOString();
  expect((await send(plain))[0]).toContain('202');
  const [first, second] = [await send(plain), await send(viaFastify)];
  expect(first).toEqual(expect.arrayContaining(['HTTP/1.1 200 OK', 'idempotent-replayed: true']));
  expect(alike(first)).toEqual(alike(second));
  const other = { payload: { deltaXp: 11 } };
  const refused = [await send(plain, other), await send(viaFastify, other)];
  expect(refused[0]?.[0]).toContain('422');
  expect(alike(refused[0] ?? [])).toEqual(alike(refused[1] ?? []));
});

test('both ways count the same', async () => {
  const counted = async (): Promise<Map<string, number>> => {
    const text = await (await fetch(`${app.url}/metrics`)).text();
    const lines = text
      .split('\n')
      .filter((line) =>
        /^http_\w+(_count|_total|_size_bytes_sum)\{.*"\/events"|_size_bytes_sum\{.*events-gateway/.test(line),
      );
    return new Map(
      lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
    );
  };
  const grown = async (type: string, way: string): Promise<object> => {
    const before = await counted();
    await exchange(requestOf(bodies.progression as Make, [trace], way, `${way}-counted`), type);
    await exchange(requestOf(bodies['no JSON'] as Make, [trace], way, `${way}-refused`), type);
    const after = await counted();
    return Object.fromEntries([...after].map(([name, value]) => [name, value - (before.get(name) ?? 0)]));
  };
  const hot = await grown(plain, 'hot');
  expect(Object.values(hot).some((by) => by > 0)).toBe(true);
  expect(hot).toEqual(await grown(viaFastify, 'fst'));
});
