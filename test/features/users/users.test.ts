import { request } from 'undici';
import { usersContract as users } from '../../../src/features/users/users.api';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { metricSum } from '../../support/metrics';
import { openApp, type TestApp, type Wire } from '../../support/wires';

// Users over both wires on every database.

type User = Record<string, unknown> & { id: string; version: number; email: string };

async function made(wire: Wire, change: object = {}): Promise<User> {
  const { code, body } = await wire.call(users, 'createUser', { name: 'Ada', email: 'ada@example.com', ...change });
  expect(code).toBe('ok');
  return body as User;
}

describe.each(everyDatabase)('$name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  beforeAll(async () => {
    database = await create();
    app = await openApp(database.url);
  });
  afterAll(async () => {
    await app[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });
  afterEach(async () => {
    const { body } = await app.http.call(users, 'listUsers', { pageSize: 100 });
    for (const { id } of body.users as User[]) await app.http.call(users, 'deleteUser', { id });
  });

  test.each(['http', 'grpc'] as const)('a life over %s: created, read, changed, deleted', async (name) => {
    const wire = app[name];
    const counted = (what: string): Promise<number> => metricSum(app.url, `users_${what}_total`);
    const [created, deleted] = [await counted('created'), await counted('deleted')];
    const user = await made(wire, { age: 36 });
    expect(user).toEqual({
      id: expect.stringMatching(/^[0-9A-HJKMNP-TV-Z]{26}$/),
      name: 'Ada',
      email: 'ada@example.com',
      age: 36,
      version: 1,
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*\.\d{3}Z$/),
      updatedAt: user.createdAt,
    });
    const { id } = user;
    expect((await wire.call(users, 'getUser', { id })).body).toEqual(user);
    const changed = await wire.call(users, 'updateUser', { id, name: 'Ada Lovelace', age: 0 });
    expect(changed.body).toEqual({
      ...user,
      name: 'Ada Lovelace',
      age: 0,
      version: 2,
      updatedAt: expect.any(String),
    });
    expect((await wire.call(users, 'getUser', { id })).body).toEqual(changed.body);
    expect((await wire.call(users, 'deleteUser', { id })).code).toBe('ok');
    for (const method of ['getUser', 'deleteUser'])
      expect((await wire.call(users, method, { id })).code).toBe('user_not_found');
    expect((await wire.call(users, 'updateUser', { id, name: 'Eve' })).code).toBe('user_not_found');
    // The address is free again.
    await made(wire);
    expect([await counted('created'), await counted('deleted')]).toEqual([created + 2, deleted + 1]);
  });

  test('a change meant for another version is refused and changes nothing', async () => {
    const { id } = await made(app.http);
    expect((await app.grpc.call(users, 'updateUser', { id, name: 'Eve', expectedVersion: 1 })).code).toBe('ok');
    for (const wire of [app.http, app.grpc]) {
      const refused = await wire.call(users, 'updateUser', { id, name: 'Mallory', expectedVersion: 1 });
      expect(refused.code).toBe('version_mismatch');
      expect((await wire.call(users, 'getUser', { id })).body).toMatchObject({ name: 'Eve', version: 2 });
    }
  });

  test('an address is taken in every spelling of it, when created and when changed', async () => {
    await made(app.http, { email: 'zoë.ångström@exämple.com' });
    const other = await made(app.http, { email: 'other@example.com' });
    const spellings = [
      'ZOË.ÅNGSTRÖM@EXÄMPLE.COM',
      'zoë.ångström@exämple.com'.normalize('NFD'),
      'ｚｏë.ångström＠exämple.com',
      'zoë.a\u030angstro\u0308m@xn--exmple-cua.com',
    ];
    for (const email of spellings) {
      for (const wire of [app.http, app.grpc]) {
        expect((await wire.call(users, 'createUser', { name: 'Eve', email })).code).toBe('email_taken');
        expect((await wire.call(users, 'updateUser', { id: other.id, email })).code).toBe('email_taken');
        expect((await wire.call(users, 'listUsers', { email })).body).toMatchObject({ users: [{ name: 'Ada' }] });
      }
    }
    // Who keeps an address may spell it anew.
    const own = await app.grpc.call(users, 'updateUser', { id: other.id, email: 'Other@Example.com' });
    expect(own).toMatchObject({ code: 'ok', body: { email: 'Other@Example.com', version: 2 } });
    // Letters that look alike, and those with other accents, are other letters.
    await made(app.http, { email: 'zoe.angstrom@example.com' });
    await made(app.http, { email: 'strasse@example.com' });
    await made(app.http, { email: 'straße@example.com' });
  });

  test('the list goes through everybody once, oldest first, while others come and go', async () => {
    const all: string[] = [];
    for (let i = 0; i < 25; i += 1) all.push((await made(app.http, { email: `u${i}@example.com` })).id);
    const seen: string[] = [];
    let pageToken: string | undefined;
    do {
      const { body } = await app.grpc.call(users, 'listUsers', { pageSize: 10, ...(pageToken ? { pageToken } : {}) });
      seen.push(...(body.users as User[]).map(({ id }) => id));
      pageToken = body.nextPageToken as string;
      if (seen.length === 10) await app.http.call(users, 'deleteUser', { id: all[2] });
      await made(app.http, { email: `late${seen.length}@example.com` });
    } while (pageToken !== '' && seen.length < 25);
    expect(seen.slice(0, 25)).toEqual(all);
    const { body } = await app.http.call(users, 'listUsers', { pageSize: 1 });
    const changed = await app.http.call(users, 'listUsers', { pageToken: body.nextPageToken, email: 'a@example.com' });
    expect(changed.code).toBe('page_token_invalid');
  });

  test('If-Match is the same as expectedVersion, and the ETag the version', async () => {
    const { id } = await made(app.http);
    const patch = async (ifMatch: string, body: object): Promise<unknown[]> => {
      const headers = { 'content-type': 'application/json', 'if-match': ifMatch };
      const answer = await request(`${app.url}/users/${id}`, { method: 'PATCH', headers, body: JSON.stringify(body) });
      const { code, details } = (await answer.body.json()) as { code?: string; details?: { fields: unknown[] } };
      return [answer.statusCode, code ?? answer.headers.etag, JSON.stringify(details?.fields ?? '')];
    };
    expect(await patch('"1"', { name: 'Eve' })).toEqual(expect.arrayContaining([200, '"2"']));
    expect(await patch('"1"', { name: 'Eve' })).toEqual(expect.arrayContaining([412, 'version_mismatch']));
    expect(await patch('*', { name: 'Eve' })).toEqual(expect.arrayContaining([200, '"3"']));
    for (const odd of ['3', '"3", "4"', '"x"', '"0"', '']) {
      const [status, , fields] = await patch(odd, { name: 'Eve' });
      expect([odd, status]).toEqual([odd, 400]);
      expect(fields).toContain('If-Match');
    }
    const over = (ifMatch: string, more: object = {}) =>
      app.grpc.call(users, 'updateUser', { id, name: 'Eve', ...more }, { 'if-match': ifMatch });
    expect((await over('"2"')).code).toBe('version_mismatch');
    expect((await over('3')).fields).toEqual(['If-Match']);
    expect((await over('"3"', { expectedVersion: 3 })).fields).toEqual(['expectedVersion']);
    const [status, , fields] = await patch('"3"', { name: 'Eve', expectedVersion: 3 });
    expect([status, fields]).toEqual([400, expect.stringContaining('expectedVersion')]);
    expect((await request(`${app.url}/users/${id}`)).headers.etag).toBe('"3"');
  });

  test('deleting answers 204 without a body, and creating says where the user is', async () => {
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ name: 'Ada', email: 'ada@example.com' });
    const created = await request(`${app.url}/users`, { method: 'POST', headers, body });
    const { id } = (await created.body.json()) as User;
    expect([created.statusCode, created.headers.location, created.headers.etag]).toEqual([201, `/users/${id}`, '"1"']);
    const deleted = await request(`${app.url}/users/${id}`, { method: 'DELETE' });
    expect([deleted.statusCode, await deleted.body.text()]).toEqual([204, '']);
    expect((await request(`${app.url}/users/${id}`)).statusCode).toBe(404);
  });
});
