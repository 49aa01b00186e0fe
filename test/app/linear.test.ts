import { connect } from 'node:net';
import { type AnyContract, isInQuery, type Route } from '../../src/shared/contract/contract';
import { everyDatabase } from '../support/databases';
import { everyContract } from '../support/every-contract';
import { signed } from '../support/signed';
import { openApp, signedHeaders, type TestApp } from '../support/wires';

// Every input, as large as its transport lets it be, costs in proportion to its length: eight times as long takes some
// eight times the CPU, not sixty. A ratio of CPU times of this process; costs of a few milliseconds count as nothing.

const kibibyte = 1024;
const eighth = 8;
const ratioLimit = 14;
const floorMs = 4;
const rounds = 3;
const repeats = 3;
const attempts = 5;

/** Sends one input that is filled up to about so many bytes. */
type Sender = (bytes: number) => Promise<unknown>;

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

/** CPU milliseconds of this process for one input: the best of some rounds, so that a collection of garbage is none. */
async function cost(send: Sender, bytes: number): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round += 1) best = Math.min(best, await costOf(repeats, send, bytes));
  return best;
}

async function costOf(times: number, send: Sender, bytes: number): Promise<number> {
  const before = process.cpuUsage();
  for (let i = 0; i < times; i += 1) await send(bytes);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / times;
}

async function expectLinear(name: string, send: Sender, bytes: number): Promise<void> {
  // Mostly it costs so little that no ratio could be too large.
  if ((await costOf(1, send, bytes)) <= floorMs * ratioLimit) return;
  let seen = '';
  // Other threads of this process work now and then; what grows with its input does so every time.
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const small = Math.max(floorMs, await cost(send, Math.floor(bytes / eighth)));
    const large = Math.max(floorMs, await cost(send, bytes));
    if (large / small <= ratioLimit) return;
    seen = `${small.toFixed(1)} ms -> ${large.toFixed(1)} ms`;
  }
  throw new Error(`${name}: ${seen}`);
}

// Letters, marks that are composed, what becomes many characters, what patterns look for, digits, quotes.
const fillings = [
  'a',
  '\u0301',
  'e\u0301\u0327',
  '\uFDFA',
  '.',
  '@',
  ' ',
  '-',
  '0',
  '"',
  '\\',
  'a,',
  ';a=',
  'v1,',
  '=',
  '%20',
  '/',
];

const filled = (pattern: string, bytes: number): string =>
  pattern.repeat(Math.ceil(bytes / Buffer.byteLength(pattern)));

/** A GET or a POST by hand, since clients refuse to send such a thing. */
function raw(head: string, body = ''): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(app.url).port), '127.0.0.1', () => {
      socket.end(`${head}\r\nHost: localhost\r\nConnection: close\r\n\r\n${body}`);
    });
    socket.on('error', () => resolve()).on('close', () => resolve());
    socket.resume();
  });
}

const printable = fillings.filter((pattern) => /^[\x20-\x7e]+$/.test(pattern));
const spaceless = printable.filter((pattern) => !/[ "\\]/.test(pattern));

test.each([...spaceless, 'a&', '&', 'a=1&', '=&', '%41&', 'utm_a&'])('a query of %j', async (pattern) => {
  for (const path of ['/health/live', '/leaderboard', '/users', '/nowhere', '/docs'])
    await expectLinear(path, (bytes) => raw(`GET ${path}?${filled(pattern, bytes)} HTTP/1.1`), 15 * kibibyte);
});

test.each(spaceless)('a path of %j', async (pattern) => {
  for (const path of ['/', '/users/', '/players/', '/docs/'])
    await expectLinear(path, (bytes) => raw(`GET ${path}${filled(pattern, bytes)} HTTP/1.1`), 15 * kibibyte);
});

const headers = [
  'traceparent',
  'x-trace-id',
  'idempotency-key',
  'if-match',
  'if-none-match',
  'authorization',
  'cookie',
  'origin',
];
const moreHeaders = [
  'x-forwarded-for',
  'x-signature',
  'webhook-signature',
  'svix-signature',
  'webhook-id',
  'content-type',
  'accept',
];
test.each([...headers, ...moreHeaders])('the header %s', async (header) => {
  for (const pattern of printable) {
    for (const line of ['GET /users', 'POST /events', 'POST /users'])
      await expectLinear(
        `${line} ${pattern}`,
        (bytes) => raw(`${line} HTTP/1.1\r\nContent-Length: 2\r\n${header}: x${filled(pattern, bytes)}`, '{}'),
        15 * kibibyte,
      );
  }
});

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
/** Every text of every call's message. */
const fields = calls
  .filter(({ route }) => !route.signed)
  .flatMap((call) =>
    Object.keys(call.valid)
      .filter((field) => typeof call.valid[field] === 'string')
      .map((field) => ({ ...call, field })),
  );

test.each(fields)('gRPC: $field of $method', async ({ contract, method, valid, field }) => {
  for (const pattern of fillings)
    await expectLinear(
      pattern,
      (bytes) => app.grpc.call(contract, method, { ...valid, [field]: filled(pattern, bytes) }),
      280 * kibibyte,
    );
});

test.each(fields.filter(({ route }) => !isInQuery(route)))(
  'HTTP: $field of $method',
  async ({ route, valid, field }) => {
    const [verb = '', path = ''] = route.http.replace(/:\w+/g, 'x').split(' ');
    for (const pattern of fillings)
      await expectLinear(
        pattern,
        (bytes) =>
          app.http.send(
            verb,
            path,
            { 'content-type': 'application/json' },
            JSON.stringify({ ...valid, [field]: filled(pattern, bytes) }),
          ),
        60 * kibibyte,
      );
  },
);

const documents: Readonly<Record<string, (bytes: number) => string>> = {
  'many names': (bytes) => `{${Array.from({ length: bytes / 12 }, (_, i) => `"n${i}":null`).join(',')}}`,
  'one name again and again': (bytes) => `{${filled('"a":1,', bytes)}"a":1}`,
  'names of escapes': (bytes) => `{${filled('"\\u0061":1,', bytes)}"b":1}`,
  'flat lists': (bytes) => `{"name":[${filled('[],', bytes)}[]]}`,
  'lists of nulls': (bytes) => `{"name":[${filled('null,', bytes)}null]}`,
  'deep lists': (bytes) => '['.repeat(bytes),
  'one long number': (bytes) => `{"age":${'9'.repeat(bytes)}}`,
  'one long fraction': (bytes) => `{"age":0.${'1'.repeat(bytes)}}`,
  spaces: (bytes) => `{"name":"a"${' '.repeat(bytes)}}`,
  'an unfinished text': (bytes) => `{"name":"${'\\"'.repeat(bytes / 2)}`,
  'colons in texts': (bytes) => `{"name":"${':'.repeat(bytes)}"}`,
  'one long name': (bytes) => `{"${'n'.repeat(bytes)}":1}`,
};

test.each(Object.entries(documents))('a document of %s', async (_name, text) => {
  for (const path of ['/users', '/auth/login', '/rewards/verify', '/fairness/check'])
    await expectLinear(
      path,
      (bytes) => app.http.send('POST', path, { 'content-type': 'application/json' }, text(bytes)),
      60 * kibibyte,
    );
});

test.each(Object.entries(documents))('a signed batch of %s', async (_name, text) => {
  for (const wrapped of [(inner: string) => inner, (inner: string) => `{"events":[${inner}]}`])
    await expectLinear(
      'batch',
      (bytes) => {
        const message = signed('linear', wrapped(text(bytes)));
        const sent = { 'content-type': 'application/json', ...signedHeaders(message) };
        return app.http.send('POST', '/events/batch', sent, message.body);
      },
      250 * kibibyte,
    );
});
