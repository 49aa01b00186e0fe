import { request } from 'undici';
import { features } from '../../../src/features/index';
import { appPages } from '../../../src/shared/openapi/app.pages';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { eventBody, signed } from '../../support/signed';
import { openApp, signedHeaders, type TestApp } from '../../support/wires';

// What the OpenAPI document says of answers, held against the answers: what is served beside the calls, and headers.

interface Response {
  readonly description: string;
  readonly headers: Record<string, { $ref: string }>;
  readonly content?: Record<string, { readonly example: unknown }>;
}
type Paths = Record<string, Record<string, { responses: Record<string, Response> }>>;

let database: TestDatabase;
let app: TestApp;
let paths: Paths;

beforeAll(async () => {
  database = await (everyDatabase[0] as (typeof everyDatabase)[number]).create();
  app = await openApp(database.url, { RATE_LIMIT_MAX: '5' });
  const document = (await (await request(`${app.url}/docs/openapi.json`)).body.json()) as { paths: Paths };
  paths = document.paths;
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const pages = [...appPages, ...features.flatMap((feature) => feature.pages ?? [])];

test.each(pages.filter(({ endless }) => !endless))(
  '$http is answered as the document says',
  async ({ http, answers }) => {
    for (const { schema, example } of Object.values(answers)) expect(schema.parse(example)).toEqual(example);
    const path = http.replace('GET ', '');
    const { statusCode, headers, body } = await request(`${app.url}${path}`);
    const told = paths[path.replace(/:(\w+)/g, '{$1}')]?.get?.responses[statusCode]?.content ?? {};
    expect(Object.keys(told)).toEqual([String(headers['content-type']).replace(/;.*/, '')]);
    const text = await body.text();
    const answer: unknown = String(headers['content-type']).includes('json') ? JSON.parse(text) : text;
    expect(answers[statusCode]?.schema.parse(answer)).toEqual(answer);
  },
);

const known = [
  'x-trace-id',
  'retry-after',
  'idempotent-replayed',
  'etag',
  'ratelimit',
  'ratelimit-policy',
  'location',
  'cache-control',
];

interface Asked {
  readonly status: number;
  readonly body: Record<string, unknown>;
  /** Which of the known headers the answer has, and which the document promises with this status. */
  readonly has: readonly string[];
  readonly told: readonly string[];
}

async function ask(call: string, body?: object, headers: Record<string, string> = {}): Promise<Asked> {
  const [verb = '', path = ''] = call.split(' ');
  const sent = body === undefined ? null : JSON.stringify(body);
  const type: Record<string, string> = sent === null ? {} : { 'content-type': 'application/json' };
  const answer = await request(app.url + path, { method: verb as 'GET', headers: { ...type, ...headers }, body: sent });
  const text = await answer.body.text();
  const template = path.replace(/[0-9A-Z]{26}/, '{id}');
  const promised = paths[template]?.[verb.toLowerCase()]?.responses[answer.statusCode]?.headers ?? {};
  return {
    status: answer.statusCode,
    body: text === '' ? {} : JSON.parse(text),
    has: known.filter((name) => answer.headers[name] !== undefined).sort(),
    told: Object.keys(promised)
      .map((name) => name.toLowerCase())
      .sort(),
  };
}

test('the headers of users are those of the document: ETag, Location, Idempotent-Replayed', async () => {
  const body = { name: 'Ada', email: 'told@example.com' };
  const key = { 'idempotency-key': 'told' };
  const { id } = (await ask('POST /users', body, key)).body;
  const again = await ask('POST /users', body, key);
  expect([again.status, again.has]).toEqual([201, ['etag', 'idempotent-replayed', 'location', 'x-trace-id']]);
  expect(again.told).toEqual(again.has);
  const read = await ask(`GET /users/${id}`);
  expect([read.status, read.has, read.told]).toEqual([200, ['etag', 'x-trace-id'], ['etag', 'x-trace-id']]);
  const changed = await ask(`PATCH /users/${id}`, { age: 3 });
  expect([changed.status, changed.has, changed.told]).toEqual([200, ['etag', 'x-trace-id'], ['etag', 'x-trace-id']]);
  const gone = await ask(`DELETE /users/${id}`);
  expect([gone.status, gone.has, gone.told]).toEqual([204, ['x-trace-id'], ['x-trace-id']]);
  const missing = await ask(`GET /users/${id}`);
  expect([missing.status, missing.has, missing.told]).toEqual([404, ['x-trace-id'], ['x-trace-id']]);
});

test('the headers of limits are those of the document: RateLimit, and Retry-After when it is exceeded', async () => {
  const limit = ['ratelimit', 'ratelimit-policy'];
  for (const expected of [401, 401, 401, 401, 401, 429]) {
    const { status, has, told } = await ask('POST /auth/login', { email: 'told@example.com', password: 'wrong' });
    expect([status, has]).toEqual([expected, [...limit, ...(expected === 429 ? ['retry-after'] : []), 'x-trace-id']]);
    if (expected === 429) expect(told).toEqual(has);
  }
  const events = Array.from({ length: 5 }, (_, i) => ({ id: `told-${i}`, ...eventBody() }));
  const headers = signedHeaders(signed('told', { events }));
  const first = await ask('POST /events/batch', { events }, headers);
  const second = await ask('POST /events/batch', { events }, headers);
  expect([first.status, first.has]).toEqual([200, first.told]);
  expect([second.status, second.has]).toEqual([429, second.told]);
  expect([...limit, ...second.told]).toEqual(expect.arrayContaining(['retry-after', ...limit]));
});
