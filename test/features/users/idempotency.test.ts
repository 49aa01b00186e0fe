import { connect } from 'node:net';
import { fairnessContract as fairness } from '../../../src/features/fairness/fairness.api';
import { usersContract as users } from '../../../src/features/users/users.api';
import { everyDatabase, everyServer, type TestDatabase } from '../../support/databases';
import { type Outcome, openApp, type TestApp, type Wire } from '../../support/wires';

// The same Idempotency-Key has one effect and one answer, over both wires, at the same moment, on two instances.

const person = { name: 'Ada', email: 'ada@example.com', age: 36 };
const internal = 'an-internal-secret-of-32-bytes-or-more';
const create = (wire: Wire, key: string, message: object = person, headers: Record<string, string> = {}) =>
  wire.call(users, 'createUser', message, { 'idempotency-key': key, ...headers });
const total = async (app: TestApp): Promise<number> =>
  ((await app.http.call(users, 'listUsers', { pageSize: 100 })).body.users as unknown[]).length;

async function expectOne(outcomes: readonly Outcome[], app: TestApp): Promise<void> {
  expect(outcomes.map(({ code }) => code)).toEqual(outcomes.map(() => 'ok'));
  for (const { body } of outcomes) expect(body).toEqual(outcomes[0]?.body);
  expect(outcomes.filter(({ replayed }) => !replayed)).toHaveLength(1);
  expect(await total(app)).toBe(1);
}

describe.each(everyDatabase)('$name', ({ create: createDatabase }) => {
  let database: TestDatabase;
  let app: TestApp;
  beforeAll(async () => {
    database = await createDatabase();
    app = await openApp(database.url, { INTERNAL_API_SECRET: internal });
  });
  afterAll(async () => {
    await app[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });
  afterEach(async () => {
    const { body } = await app.http.call(users, 'listUsers', { pageSize: 100 });
    for (const { id } of body.users as { id: string }[]) await app.http.call(users, 'deleteUser', { id });
  });

  test('five at once over both wires: one user, one answer', async () => {
    const wires = [app.http, app.grpc, app.http, app.grpc, app.http];
    await expectOne(await Promise.all(wires.map((wire) => create(wire, 'five'))), app);
  });

  test('again later, and quoted: the first status and body', async () => {
    const first = await create(app.http, 'later');
    await app.http.call(users, 'updateUser', { id: first.body.id, name: 'Eve' });
    const second = await create(app.http, '"later"');
    expect(second).toEqual({ ...first, replayed: true });
    expect(second.status).toBe(201);
    expect(await create(app.grpc, 'later')).toMatchObject({ code: 'ok', body: first.body, replayed: true });
  });

  test('another body is refused, and changes nothing', async () => {
    await create(app.http, 'other');
    for (const wire of [app.http, app.grpc]) {
      const refused = await create(wire, 'other', { ...person, email: 'eve@example.com' });
      expect(refused.code).toBe('idempotency_key_reused');
    }
    expect(await total(app)).toBe(1);
  });

  test('sent again after the connection was cut, whenever that was', async () => {
    const body = JSON.stringify(person);
    const { hostname, port } = new URL(app.url);
    const head = `POST /users HTTP/1.1\r\nHost: ${hostname}:${port}\r\nContent-Type: application/json\r\n`;
    for (const waitMs of [0, 1, 3, 10, 30]) {
      const key = `cut-${waitMs}`;
      const socket = connect(Number(port), hostname);
      socket.write(`${head}Idempotency-Key: ${key}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      socket.destroy();
      const [one, two] = [await create(app.grpc, key), await create(app.http, key)];
      expect([one.code, two.code, two.replayed, two.body]).toEqual(['ok', 'ok', true, one.body]);
      expect(await total(app)).toBe(1);
      await app.http.call(users, 'deleteUser', { id: one.body.id });
    }
  });

  test('a failure is not remembered: the key can be used again', async () => {
    await create(app.http, 'first');
    expect((await create(app.http, 'second')).code).toBe('email_taken');
    expect((await create(app.grpc, 'second', { ...person, email: '' })).code).toBe('validation_failed');
    expect((await create(app.grpc, 'second', { ...person, email: 'eve@example.com' })).code).toBe('ok');
  });

  test("one caller's key is not another's, nor that of another route", async () => {
    await create(app.http, 'shared');
    const asInternal = { authorization: `Bearer ${internal}` };
    const other = await create(app.http, 'shared', { ...person, email: 'eve@example.com' }, asInternal);
    expect([other.code, other.replayed]).toEqual(['ok', false]);
    const block = { playerId: 'player-1', seconds: 60, reason: 'x' };
    const blocked = await app.http.call(fairness, 'blockPlayer', block, { 'idempotency-key': 'shared' });
    expect([blocked.code, blocked.replayed]).toEqual(['ok', false]);
  });

  test.each(['', 'x'.repeat(256), '"', '""', '"open', '"a" b', '"a\\b"', '" a"', 'ä'])(
    'the key %j is refused',
    async (key) => {
      for (const wire of [app.http, app.grpc]) {
        const code = key === 'ä' && wire.name === 'grpc' ? undefined : (await create(wire, key)).code;
        if (code !== undefined) expect([wire.name, code]).toEqual([wire.name, 'validation_failed']);
      }
      expect(await total(app)).toBe(0);
    },
  );

  test('a block is made once: sent again after it was lifted it changes nothing', async () => {
    const headers = { 'idempotency-key': 'block-1' };
    const block = { playerId: 'player-1', seconds: 60, reason: 'speed' };
    const first = await app.http.call(fairness, 'blockPlayer', block, headers);
    await app.http.call(fairness, 'unblockPlayer', { playerId: 'player-1' });
    const again = await app.grpc.call(fairness, 'blockPlayer', block, headers);
    expect([again.code, again.replayed, again.body]).toEqual(['ok', true, first.body]);
    expect((await app.http.call(fairness, 'getPlayer', { playerId: 'player-1' })).body).toMatchObject({
      blocked: false,
    });
    const other = await app.http.call(fairness, 'blockPlayer', { ...block, seconds: 61 }, headers);
    expect(other.code).toBe('idempotency_key_reused');
  });
});

describe.each(everyServer)('$name, two instances', ({ create: createDatabase }) => {
  test('five at once on both: one user, one answer', async () => {
    await using database = await createDatabase();
    await using one = await openApp(database.url);
    await using two = await openApp(database.url);
    const wires = [one.http, two.http, one.grpc, two.grpc, two.http];
    await expectOne(await Promise.all(wires.map((wire) => create(wire, 'five'))), one);
  });
});
