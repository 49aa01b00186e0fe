import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { Root, type Type } from 'protobufjs';
import { request } from 'undici';
import { isInQuery } from '../../../src/shared/contract/contract';
import { accept } from '../../../src/shared/contract/dto';
import { HttpParts, mergeParts } from '../../../src/shared/contract/http-parts';
import { protoFile, protoRoot } from '../../../src/shared/contract/proto';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { everyContract } from '../../support/every-contract';
import { allOf, type Document, documentOf, type Json, operationIn, zodOf } from '../../support/openapi';
import { openApp, type TestApp } from '../../support/wires';

// Guards what generators of clients make of the document: one class for each message, 64 bits for what has 64 bits, times as
// times; and that it refuses and takes what the server does.

const calls = everyContract.flatMap(({ contract, docs: all }) =>
  Object.entries(contract.routes).flatMap(([method, route]) => {
    const docs = all[method];
    return docs ? [{ contract, method, route, docs }] : [];
  }),
);

let database: TestDatabase;
let app: TestApp;
let document: Document;

beforeAll(async () => {
  database = await (everyDatabase[0] as (typeof everyDatabase)[number]).create();
  app = await openApp(database.url);
  document = await documentOf(app.url);
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

test('linters have nothing to say: the recommended rules of redocly, none of them off', () => {
  const linter = join(__dirname, '../../support/lint-openapi.mjs');
  const told = execFileSync(process.execPath, [linter], { input: JSON.stringify(document), encoding: 'utf8' });
  expect(JSON.parse(told)).toEqual([]);
  const broken = JSON.stringify({ ...document, servers: [] });
  const complaints = execFileSync(process.execPath, [linter], { input: broken, encoding: 'utf8' });
  expect(JSON.parse(complaints)).not.toEqual([]);
});

/** Every message of the .proto files, with what comes from it: User and, where it is sent, too, UserInput. */
function described(): { type: Type; schema: Record<string, Json> }[] {
  const root = new Root();
  root.resolvePath = (_origin, target) => (target.startsWith('/') ? target : join(protoRoot, target));
  root.loadSync(everyContract.map(({ contract }) => protoFile(contract)));
  root.resolveAll();
  return everyContract
    .flatMap(({ contract }) => Object.values((root.lookup(contract.proto.package) as unknown as Root).nested ?? {}))
    .filter((one): one is Type => 'fieldsArray' in one)
    .flatMap((type) =>
      [type.name, `${type.name}Input`].map((name) => ({ type, one: document.components.schemas[name] })),
    )
    .flatMap(({ type, one }) => (one ? [{ type, schema: one.properties as Record<string, Json> }] : []));
}

test('numbers have the format of the .proto, and messages are references to their names', () => {
  let numbers = 0;
  for (const { type, schema } of described()) {
    for (const field of type.fieldsArray) {
      const told = schema[field.name];
      if (!told) continue;
      const one = (field.repeated ? told.items : told) as Json;
      const known = { int32: 'int32', int64: 'int64', double: 'double' }[field.type];
      if (known) expect([type.name, field.name, one.format]).toEqual([type.name, field.name, known]);
      if (known) numbers += 1;
      const reference = (one.$ref ?? (one.anyOf as Json[] | undefined)?.[0]?.$ref ?? '') as string;
      if (field.resolvedType) expect(reference).toMatch(new RegExp(`/${field.resolvedType.name}(Input)?$`));
    }
  }
  expect(numbers).toBeGreaterThan(40);
});

test('times are date-time, in requests and in answers', () => {
  const properties = Object.values(document.components.schemas).flatMap((one) =>
    Object.entries((one.properties ?? {}) as Record<string, Json>),
  );
  const times = properties.filter(([name]) => /(At|Until)$/.test(name));
  expect(times.length).toBeGreaterThan(15);
  for (const [name, { format }] of times) expect([name, format]).toEqual([name, 'date-time']);
});

test('no object is without a name', () => {
  const inline = (value: unknown): unknown[] => allOf(value, 'properties').map((one) => Object.keys(one as Json));
  expect(inline(document.paths)).toEqual([]);
  for (const [name, schema] of Object.entries(document.components.schemas))
    expect([name, ...inline(schema.properties), ...inline(schema.items)]).toEqual([name]);
  const { User, Session, Leaderboard, GameEvent } = document.components.schemas;
  expect(Session?.properties).toMatchObject({ user: { $ref: '#/components/schemas/User' } });
  expect(Object.keys(Leaderboard?.properties ?? {})).toContain('entries');
  expect(User?.type).toBe('object');
  expect(GameEvent).toMatchObject({
    discriminator: { propertyName: 'type', mapping: { boss_kill: '#/components/schemas/BossKillEvent' } },
  });
});

test('whoever may call is said of every call, also where it is anybody', () => {
  const open = Object.values(document.paths).flatMap((verbs) => Object.values(verbs));
  for (const { operationId, security } of open)
    expect([operationId, Array.isArray(security)]).toEqual([operationId, true]);
  for (const { route } of calls)
    expect(operationIn(document, route).security?.length === 0).toBe(route.access === 'public');
});

test('signed events need their headers, and the webhook spellings are declared', () => {
  for (const http of ['POST /events', 'POST /events/batch'] as const) {
    const headers = operationIn(document, { http }).parameters.filter((one) => one.in === 'header');
    expect(headers.filter(({ required }) => required).map(({ name }) => name)).toEqual([
      'Idempotency-Key',
      'X-Signature',
    ]);
    const parts = ['id', 'timestamp', 'signature'];
    expect(headers.filter(({ required }) => !required).map(({ name }) => name)).toEqual(
      ['webhook', 'svix'].flatMap((kind) => parts.map((part) => `${kind}-${part}`)),
    );
    for (const { name, schema, example } of headers)
      expect([name, example === undefined || zodOf(document, schema).safeParse(example).success]).toEqual([name, true]);
  }
});

test('a read with an ETag takes If-None-Match, and answers 304 to whoever has it', async () => {
  const { body } = await app.http.send(
    'POST',
    '/users',
    { 'content-type': 'application/json' },
    JSON.stringify({ name: 'Ada', email: 'known@example.com' }),
  );
  const read = await request(`${app.url}/users/${body.id}`);
  await read.body.dump();
  const again = await request(`${app.url}/users/${body.id}`, {
    headers: { 'if-none-match': String(read.headers.etag) },
  });
  await again.body.dump();
  const { parameters, responses } = operationIn(document, { http: 'GET /users/:id' });
  expect([again.statusCode, parameters.map(({ name }) => name)]).toEqual([304, ['id', 'If-None-Match']]);
  for (const { route } of calls) {
    const told = operationIn(document, route);
    const tagged = route.http.startsWith('GET ') && told.responses['200']?.headers?.ETag !== undefined;
    expect([route.http, told.responses['304'] !== undefined]).toEqual([route.http, tagged]);
  }
  expect(Object.keys(responses['304']?.headers ?? {})).toEqual(['X-Trace-ID', 'ETag']);
});

const candidates: readonly unknown[] = [
  null,
  ...[0, 1, 63, 64, 65, 128, 129, 254, 256, 257, 513, 1001].map((length) => 'x'.repeat(length)),
  ...[
    'a b',
    ' a',
    'a ',
    'a/b',
    'a:b|c',
    '.',
    '..',
    'a\u0000b',
    'a\nb',
    '\uFFFD',
    '\u200Ea',
    ' ',
    'Ä',
    '😀'.repeat(100),
  ],
  ...['ada@example.com', 'a..b@docomo.ne.jp', 'ada@münchen.de', 'a@b', 'ada@example.com/x', 'a b@c.de', 'a@b.1'],
  ...[
    '01KAJ0000000000000000000AA',
    '81KAJ0000000000000000000AA',
    '01kaj0000000000000000000aa',
    'level-3',
    'boss-',
    'cup-1',
  ],
  ...['2026-11-21T10:00:00.000Z', '2026-11-21t10:00:00z', '2026-11-21T10:00:00.123456789+05:30', '2026-11-21'],
  ...['2026-11-21T24:00:00Z', '2026-13-01T00:00:00Z', '2026-11-21T10:00:60Z', '2026-11-21T10:00:00'],
  ...[
    -1,
    0,
    1,
    1.5,
    10,
    11,
    100,
    101,
    150,
    151,
    1000,
    1001,
    86_401,
    2_592_001,
    1_000_001,
    2 ** 31,
    2 ** 53 - 1,
    2 ** 53,
  ],
  ...[true, false, 'true', '1', [], [null], {}, { surplus: 1 }, [{}]],
];

/** The example with one value, at any depth, replaced by `value` or taken away. */
function* variations(example: unknown, names: readonly string[], value: unknown): Generator<unknown> {
  if (Array.isArray(example)) {
    for (const one of variations(example[0], [], value)) yield [one];
    yield [value];
  } else if (typeof example === 'object' && example !== null) {
    for (const name of new Set([...names, ...Object.keys(example)])) {
      const { [name]: was, ...others } = example as Json;
      yield others;
      yield { ...example, [name]: value };
      if (typeof was === 'object') for (const one of variations(was, [], value)) yield { ...others, [name]: one };
    }
  }
}

// What JSON Schema cannot say, and what the server forgives without advertising it.
const hasEmpty = (value: unknown): boolean =>
  value === '' || (typeof value === 'object' && value !== null && Object.values(value).some(hasEmpty));
const changesNothing = ({ id: _, expectedVersion: __, clear, thresholds, ...rest }: Json): boolean =>
  [...Object.values(rest), ...Object.values((clear ?? {}) as Json), ...Object.values((thresholds ?? {}) as Json)].every(
    (value) => value === null || value === undefined,
  );

test.each(calls.filter(({ docs }) => docs.signedBody || Object.keys(docs.example.request).length > 0))(
  '$method: the document and the server take and refuse the same',
  ({ route, docs }) => {
    const { parameters, requestBody } = operationIn(document, route);
    const body = requestBody && zodOf(document, requestBody.content['application/json']?.schema ?? {});
    // What is signed is the body; where it goes is no part of it.
    const spelled = docs.signedBody ? [] : parameters;
    const fields = spelled.filter((one) => one.in === 'path' || one.in === 'query');
    const schemas = new Map(fields.map(({ name, schema }) => [name, zodOf(document, schema)]));
    const spread = { inQuery: false, patch: route.http.startsWith('PATCH ') };
    const names = [...fields.map(({ name }) => name), ...Object.keys(bodyProperties(requestBody))];
    let compared = 0;
    for (const value of candidates) {
      for (const one of variations(docs.example.request, names, value)) {
        const message = one as Json;
        if (hasEmpty(message) || (spread.patch && changesNothing(message))) continue;
        if (isInQuery(route) && Object.values(message).includes(null)) continue;
        const rest = Object.fromEntries(Object.entries(message).filter(([name]) => !schemas.has(name)));
        const documented =
          fields.every(({ name, required }) =>
            message[name] === undefined ? !required : schemas.get(name)?.safeParse(message[name]).success,
          ) && (body ? body.safeParse(rest).success : Object.keys(rest).length === 0);
        expect([message, documented]).toEqual([message, served(message)]);
        compared += 1;
      }
    }
    expect(compared).toBeGreaterThan(20);

    function served(message: Json): boolean {
      if (docs.signedBody) return accept(docs.signedBody, message).success;
      try {
        return accept(docs.request.schema, mergeParts(new HttpParts({}, {}, message, spread), docs.request.schema))
          .success;
      } catch {
        return false;
      }
    }
  },
);

function bodyProperties(requestBody: { content: Record<string, { schema: Json }> } | undefined): Json {
  const reference = requestBody?.content['application/json']?.schema.$ref as string | undefined;
  return (document.components.schemas[reference?.split('/').at(-1) ?? '']?.properties ?? {}) as Json;
}
