import fc from 'fast-check';
import { request } from 'undici';
import type { AnyContract, Route } from '../../src/shared/contract/contract';
import { everyDatabase } from '../support/databases';
import { everyContract } from '../support/every-contract';
import { eventBody, signed } from '../support/signed';
import { type Outcome, openApp, type TestApp } from '../support/wires';

// SPEC 0, input rules: no input may cause a 5xx, a crash or a hang, and a refusal names the field.

const perRoute = 200;

const nasty = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    false,
    0,
    -0,
    -1,
    1.5,
    2 ** 53,
    -(2 ** 53),
    1e300,
    '',
    ' ',
    '0',
    '1e3',
    '0x10',
    'null',
    'true',
    '__proto__',
    'constructor',
    '../../etc/passwd',
    '%00',
    '%2e%2e',
    "' OR 1=1 --",
    '{{7*7}}',
    'a\u0000b',
    '\u202eabc',
    '\ufeff',
    '\ufffd',
    '\ud800',
    '\udfff\ud800',
    'é',
    'e\u0301',
    '\u{1f600}',
    'x'.repeat(129),
    'x'.repeat(5000),
    [],
    {},
    [null],
    [[]],
    { a: 1 },
    { __proto__: 1 },
    { toString: 1 },
    new Array(1001).fill('x'),
    '2026-02-30T00:00:00Z',
    '9999-12-31T23:59:60Z',
    '+275760-09-13T00:00:00Z',
  ),
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.double(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.jsonValue(),
);

/** Messages of a call with some fields broken, some missing, some added. */
function messages(valid: Record<string, unknown>): fc.Arbitrary<Record<string, unknown>> {
  const names = [...Object.keys(valid), 'extra', '__proto__', 'constructor'];
  const change = fc.tuple(fc.constantFrom(...names), fc.constantFrom('break', 'drop', 'keep'), nasty);
  return fc.array(change, { minLength: 1, maxLength: 4 }).map((changes) => {
    const message: Record<string, unknown> = { ...valid };
    for (const [name, how, value] of changes) {
      if (how === 'break')
        Object.defineProperty(message, name, { value, enumerable: true, configurable: true, writable: true });
      if (how === 'drop') delete message[name];
    }
    return message;
  });
}

/** JSON texts that JSON.stringify would not write. */
const texts = fc.oneof(
  fc.constantFrom(
    '',
    '{',
    '}',
    '[]',
    'null',
    '"x"',
    '1',
    '{"a":1,"a":2}',
    '{"__proto__":1}',
    '{"a":"\\ud800"}',
    '{"a":"\\u0000"}',
    '{"a":1e999}',
    '{"a":-0}',
    '\ufeff{}',
    '{"a":NaN}',
    `${'['.repeat(40)}${']'.repeat(40)}`,
    `{"a":${'9'.repeat(400)}}`,
  ),
  fc.json(),
  fc.string({ unit: 'binary', maxLength: 300 }),
);

interface Call {
  readonly contract: AnyContract;
  readonly method: string;
  readonly route: Route;
  readonly valid: Record<string, unknown>;
}

const calls: Call[] = everyContract.flatMap(({ contract, docs }) =>
  Object.entries(contract.routes).map(([method, route]) => ({
    contract,
    method,
    route,
    valid: (docs[method]?.example.request ?? {}) as Record<string, unknown>,
  })),
);

let app: TestApp;
let database: Awaited<ReturnType<(typeof everyDatabase)[number]['create']>>;

beforeAll(async () => {
  database = await (everyDatabase[0] as (typeof everyDatabase)[number]).create();
  app = await openApp(database.url);
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});
afterEach(async () => {
  const alive = await request(`${app.url}/health/ready`);
  expect([alive.statusCode, await alive.body.text()]).toEqual([200, expect.stringContaining('"ready"')]);
});

function judge(outcome: Outcome, sent: unknown): void {
  const shown = JSON.stringify(sent)?.slice(0, 300);
  const server = outcome.status >= 500 || [2, 12, 13, 14, 15].includes(outcome.status);
  if (server || outcome.code.startsWith('grpc '))
    throw new Error(`${outcome.status} ${outcome.code} ${JSON.stringify(outcome.body)} for ${shown}`);
  if (outcome.code === 'validation_failed' && outcome.fields.length === 0)
    throw new Error(`no field named for ${shown}`);
  if (outcome.code === 'undefined') throw new Error(`no code for ${shown}`);
}

async function sendHttp({ contract, method, route, valid }: Call, seed: number): Promise<void> {
  for (const [i, message] of fc.sample(messages(valid), { numRuns: perRoute, seed }).entries()) {
    const headers = { 'content-type': 'application/json', 'idempotency-key': `hostile-${seed}-${i}` };
    const [verb = '', template = ''] = route.http.split(' ');
    const text = JSON.stringify(message);
    if (route.signed) judge(await app.http.call(contract, method, webhook(`hostile-${seed}`, text)), text);
    else if (verb === 'GET' || /:/.test(template))
      judge(await app.http.send(verb, spelled(template, message), {}), message);
    else judge(await app.http.send(verb, template, headers, text), text);
  }
}

/** Signed, for calls that tell by their path who has signed, too. */
function webhook(id: string, text: string): object {
  return { ...signed(id, text), provider: 'simulator' };
}

/** Path and query as hostile as the message: lone surrogates cannot be spelled in a URL and become U+FFFD. */
function spelled(template: string, message: Record<string, unknown>): string {
  const rest = new Map(
    Object.entries(message).map(([name, value]) => [
      name,
      String(typeof value === 'object' ? JSON.stringify(value) : value).toWellFormed(),
    ]),
  );
  const path = template.replace(/:(\w+)/g, (_all, name: string) => {
    const value = rest.get(name) ?? 'x';
    rest.delete(name);
    return encodeURIComponent(value).slice(0, 3000) || 'x';
  });
  return `${path}?${new URLSearchParams([...rest].map(([name, value]): [string, string] => [name, value.slice(0, 3000)]))}`;
}

describe.each(calls)('$method', (call) => {
  const seed = calls.indexOf(call) + 1;

  test(`${perRoute} hostile messages over HTTP`, () => sendHttp(call, seed), 120_000);

  test(`${perRoute} hostile documents over HTTP`, async () => {
    const [verb = '', template = ''] = call.route.http.split(' ');
    const path = template.replace(/:\w+/g, 'x');
    for (const text of fc.sample(texts, { numRuns: perRoute, seed })) {
      if (call.route.signed) judge(await app.http.call(call.contract, call.method, webhook('doc', text)), text);
      else if (verb !== 'GET')
        judge(await app.http.send(verb, path, { 'content-type': 'application/json' }, text), text);
      else judge(await app.http.send(verb, `${path}?${encodeURIComponent(text).slice(0, 4000)}`, {}), text);
    }
  }, 120_000);

  test(`${perRoute} hostile messages over gRPC`, async () => {
    const definition = app.grpc.method(call.contract, call.method);
    for (const message of fc.sample(messages(call.valid), { numRuns: perRoute, seed })) {
      const sent = call.route.signed ? webhook('hostile', JSON.stringify(message)) : encodable(message);
      judge(await app.grpc.send(definition, definition.requestSerialize(sent)), message);
    }
    for (const bytes of fc.sample(fc.uint8Array({ maxLength: 300 }), { numRuns: perRoute, seed }))
      judge(await app.grpc.send(definition, Buffer.from(bytes)), [...bytes]);
  }, 120_000);
});

/** What protobuf can carry of it: texts stay, other things where a text belongs become one. */
function encodable(message: Record<string, unknown>): object {
  const numbers = new Set([
    'pageSize',
    'seconds',
    'expectedVersion',
    'points',
    'maxEvents',
    'afterSeq',
    'limit',
    'seq',
    'amount',
    'quantity',
    'capacity',
    'price',
    'holdSeconds',
    'maxPerReservation',
    'maxPerUser',
  ]);
  const lists = new Set(['clear', 'seatIds', 'seats']);
  const objects = new Set(['thresholds', 'queue']);
  const rows = new Set(['events', 'sections', 'items']);
  return Object.fromEntries(
    Object.entries(message).map(([name, value]) => {
      if (numbers.has(name)) return [name, typeof value === 'number' ? Math.trunc(value % 2 ** 31) || 0 : 0];
      if (lists.has(name)) return [name, (Array.isArray(value) ? value : [value]).map(spelling)];
      if (objects.has(name)) return [name, isObject(value) ? encodable(value as Record<string, unknown>) : {}];
      if (rows.has(name)) return [name, Array.isArray(value) ? value.filter(isObject).map(encodable) : []];
      return [name, typeof value === 'string' ? value : JSON.stringify(value)];
    }),
  );
}

/** Not String(value): an object may have nothing that it could be turned by. */
function spelling(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const event = JSON.stringify(eventBody());
test.each([
  ['no content type', { body: event, headers: {} }, 415],
  ['text/plain', { body: event, headers: { 'content-type': 'text/plain' } }, 415],
  ['another charset', { body: event, headers: { 'content-type': 'application/json; charset=latin1' } }, 415],
  ['a form', { body: 'a=1', headers: { 'content-type': 'application/x-www-form-urlencoded' } }, 415],
  ['a body of 65 KiB', { body: `"${'x'.repeat(65 * 1024)}"`, headers: { 'content-type': 'application/json' } }, 413],
])('refuses %s', async (_name, { body, headers }, status) => {
  const outcome = await app.http.send('POST', '/rewards/verify', headers as Record<string, string>, body);
  expect([outcome.status, typeof outcome.code]).toEqual([status, 'string']);
});

test('unknown routes and wrong methods are in the one error shape, whatever the body', async () => {
  const headers = { 'content-type': 'text/plain' };
  expect(await app.http.send('POST', '/nowhere', headers, 'x')).toMatchObject({ status: 404, code: 'route_not_found' });
  expect(await app.http.send('PUT', '/events', headers, 'x')).toMatchObject({
    status: 405,
    code: 'method_not_allowed',
  });
  expect(await app.http.send('DELETE', '/players/player-1/progress', {})).toMatchObject({
    status: 405,
    code: 'method_not_allowed',
  });
  expect((await request(`${app.url}/events`, { method: 'PUT' })).headers.allow).toBe('GET, HEAD, POST');
});

test.each([
  ['/players/%zz/progress', 400, 'validation_failed'],
  [`/players/${'a'.repeat(300)}/progress`, 400, 'validation_failed'],
  ['/players/%00/progress', 400, 'validation_failed'],
  ['/docs/..%2f..%2fpackage.json', 404, 'route_not_found'],
  ['/docs/%00', 404, 'route_not_found'],
  [`/${'a'.repeat(9000)}`, 404, 'route_not_found'],
  ['//events', 404, 'route_not_found'],
])('the path %s is answered in the one error shape', async (path, status, code) => {
  expect(await app.http.send('GET', path, {})).toMatchObject({ status, code });
});

test('a compressed body is refused, not taken for JSON', async () => {
  const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
  expect(await app.http.send('POST', '/rewards/verify', headers, '{}')).toMatchObject({ status: 415 });
});
