import { usersContract as users } from '../../../src/features/users/users.api';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { openApp, type TestApp } from '../../support/wires';

// What may stand in a user, the same on both wires.

const id = '01KAJ0000000000000000000AA';
const valid = { name: 'Ada', email: 'ada@example.com' };
const create = (change: object, field: string) => ['createUser', { ...valid, ...change }, field] as const;
const update = (change: object, field: string) => ['updateUser', { id, ...change }, field] as const;

const refused: (readonly [method: string, message: object, field: string])[] = [
  create({ name: '' }, 'name'),
  create({ name: '   ' }, 'name'),
  create({ name: '\u0301\u200d' }, 'name'),
  create({ name: '\u3164\u2800' }, 'name'),
  create({ name: 'x'.repeat(65) }, 'name'),
  create({ name: '😀'.repeat(65) }, 'name'),
  create({ name: 'Ada\u0000' }, 'name'),
  create({ name: 'A\nda' }, 'name'),
  create({ name: 'Ada\u202Exe' }, 'name'),
  create({ name: 'Ada\u2066' }, 'name'),
  create({ name: 'Ad\uFFFDa' }, 'name'),
  create({ email: '' }, 'email'),
  create({ email: 'ada' }, 'email'),
  create({ email: '@example.com' }, 'email'),
  create({ email: 'ada@' }, 'email'),
  create({ email: 'ada@localhost' }, 'email'),
  create({ email: 'ada@@example.com' }, 'email'),
  create({ email: 'a da@example.com' }, 'email'),
  create({ email: '..@example.com' }, 'email'),
  create({ email: 'ada@example.com/?x' }, 'email'),
  create({ email: 'b@example.com/<img src=x>' }, 'email'),
  create({ email: 'ada@example.com#x' }, 'email'),
  create({ email: 'ada@example.com\\x' }, 'email'),
  create({ email: 'ada@exa\u00ADmple.com' }, 'email'),
  create({ email: 'ada@example..com' }, 'email'),
  create({ email: 'ada@-example.com' }, 'email'),
  create({ email: 'ada@exa_mple.com' }, 'email'),
  create({ email: 'ada@ex%61mple.com' }, 'email'),
  create({ email: 'ada@1.2.3.4' }, 'email'),
  create({ email: 'ada@0x7f.1' }, 'email'),
  create({ email: 'ada\u0000@example.com' }, 'email'),
  create({ email: 'ada\u202E@example.com' }, 'email'),
  create({ email: 'ada\u200F@example.com' }, 'email'),
  create({ email: `${'x'.repeat(65)}@example.com` }, 'email'),
  create({ email: `ada@${'x'.repeat(60)}.${'y'.repeat(60)}.${'z'.repeat(60)}.${'w'.repeat(60)}.example.com` }, 'email'),
  create({ age: -1 }, 'age'),
  create({ age: 151 }, 'age'),
  update({}, 'body'),
  update({ expectedVersion: 1 }, 'body'),
  update({ name: 'x', expectedVersion: 0 }, 'expectedVersion'),
  update({ name: '' }, 'name'),
  update({ email: 'x' }, 'email'),
  update({ age: 151 }, 'age'),
  ['getUser', { id: 'ada' }, 'id'],
  ['getUser', { id: id.toLowerCase() }, 'id'],
  ['deleteUser', { id: 'ada' }, 'id'],
  ['updateUser', { id: 'ada', name: 'x' }, 'id'],
  ['listUsers', { pageSize: 0 }, 'pageSize'],
  ['listUsers', { pageSize: 101 }, 'pageSize'],
  ['listUsers', { email: 'x' }, 'email'],
];

const accepted = [
  { name: '李小龍', email: 'bruce@例え.jp' },
  { name: 'é'.normalize('NFD').repeat(64), email: "o'neil+tag@sub.example.co.uk" },
  { name: '😀'.repeat(64), email: 'UPPER@EXAMPLE.COM' },
  { name: '  Ada  ', email: 'a@b.co' },
  { name: 'Docomo', email: 'a..b@docomo.ne.jp' },
  { name: 'Ezweb', email: '.a.@ezweb.ne.jp' },
  { name: "'; DROP TABLE users; --", email: 'quote`s@example.com', age: 150 },
];

const sqlite = everyDatabase[0];
let database: TestDatabase;
let app: TestApp;
beforeAll(async () => {
  if (!sqlite) throw new Error('There is no database');
  database = await sqlite.create();
  app = await openApp(database.url);
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

test.each(refused)('%s %j names %s', async (method, message, field) => {
  for (const wire of [app.http, app.grpc]) {
    const { code, fields } = await wire.call(users, method, message);
    expect([wire.name, code, fields]).toEqual([wire.name, 'validation_failed', [field]]);
  }
});

test.each(accepted)('%j is stored as it was, composed', async (sent) => {
  const { code, body } = await app.http.call(users, 'createUser', sent);
  expect([code, body.name, body.email]).toEqual(['ok', sent.name.normalize('NFC').trim(), sent.email.normalize('NFC')]);
  expect((await app.grpc.call(users, 'getUser', { id: body.id })).body).toEqual(body);
});

// HTTP alone can say these.
test.each([
  ['a lone surrogate', '{"name":"Ada\\ud800","email":"x@example.com"}', 'name'],
  ['a lone surrogate in the address', '{"name":"Ada","email":"x\\udfff@example.com"}', 'email'],
  ['NUL', '{"name":"Ada\\u0000","email":"x@example.com"}', 'name'],
  ['null for what is required', '{"name":null,"email":"x@example.com"}', 'name'],
  ['age as text', '{"name":"Ada","email":"x@example.com","age":"36"}', 'age'],
  ['a fraction', '{"name":"Ada","email":"x@example.com","age":1.5}', 'age'],
  ['a role', '{"name":"Ada","email":"x@example.com","role":"admin"}', 'role'],
  ['a version', '{"name":"Ada","email":"x@example.com","version":7}', 'version'],
  ['an id', '{"name":"Ada","email":"x@example.com","id":"01KAJ0000000000000000000AA"}', 'id'],
  ['a prototype', '{"name":"Ada","email":"x@example.com","__proto__":{"role":"admin"}}', '__proto__'],
  ['no name', '{"email":"x@example.com"}', 'name'],
])('%s is refused and named', async (_what, text, field) => {
  const outcome = await app.http.send('POST', '/users', { 'content-type': 'application/json' }, text);
  expect([outcome.status, outcome.fields]).toEqual([400, [field]]);
});

test.each(['role', 'version', 'id', 'createdAt', 'emailKey'])(
  '%s cannot be changed through the body',
  async (field) => {
    const { body: user } = await app.http.call(users, 'createUser', { name: 'Ada', email: `${field}@example.com` });
    const text = JSON.stringify({ name: 'Eve', [field]: 'x' });
    const sent = await app.http.send('PATCH', `/users/${user.id}`, { 'content-type': 'application/json' }, text);
    expect([sent.status, sent.fields]).toEqual([400, [field]]);
    expect((await app.http.call(users, 'getUser', { id: user.id })).body).toEqual(user);
  },
);
