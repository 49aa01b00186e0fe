import { authContract as auth } from '../../../src/features/auth/auth.api';
import { usersContract as users } from '../../../src/features/users/users.api';
import type { Session } from '../../../src/generated/aerie/auth/v1/auth';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { openApp, type TestApp } from '../../support/wires';

// A player has one user: the own one. Of all others there is nothing to be seen, over both wires.

const internal = 'an-internal-secret-of-32-bytes-or-more';
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe.each(everyDatabase)('$name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let ada: Session;
  let eve: Session;
  beforeAll(async () => {
    database = await create();
    app = await openApp(database.url, { INTERNAL_API_SECRET: internal, AUTH_REQUIRED: 'true' });
    const register = async (name: string): Promise<Session> => {
      const person = { name, email: `${name}@example.com`, password: 'correct horse' };
      return (await app.http.call(auth, 'register', person)).body as unknown as Session;
    };
    [ada, eve] = [await register('ada'), await register('eve')];
  });
  afterAll(async () => {
    await app[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });
  const idOf = ({ user }: Session): string => user?.id ?? '';

  test.each(['http', 'grpc'] as const)("somebody else's user is not there over %s, one's own is", async (name) => {
    const wire = app[name];
    const id = idOf(ada);
    const calls = [
      ['getUser', { id }],
      ['updateUser', { id, name: 'Mallory' }],
      ['deleteUser', { id }],
    ] as const;
    const strangers = [bearer(eve.accessToken), { ...bearer(internal), 'x-aerie-subject': idOf(eve) }];
    for (const headers of strangers) {
      for (const [method, message] of calls) {
        expect([method, (await wire.call(users, method, message, headers)).code]).toEqual([method, 'user_not_found']);
      }
      for (const [method, message] of [
        ['listUsers', {}],
        ['createUser', { name: 'Mallory', email: 'mallory@example.com' }],
      ] as const)
        expect((await wire.call(users, method, message, headers)).code).toBe('forbidden');
    }
    for (const headers of [bearer(ada.accessToken), { ...bearer(internal), 'x-aerie-subject': id }, bearer(internal)]) {
      expect((await wire.call(users, 'getUser', { id }, headers)).body).toMatchObject({ id, name: 'ada' });
      expect((await wire.call(users, 'updateUser', { id, age: 36 }, headers)).code).toBe('ok');
    }
    for (const [method, message] of calls) expect((await wire.call(users, method, message)).code).toBe('token_invalid');
  });

  test('an administrator has them all; and no longer when that is taken back', async () => {
    const id = idOf(ada);
    const headers = bearer(eve.accessToken);
    const role = (value: string) =>
      app.http.call(auth, 'setRole', { userId: idOf(eve), role: value }, bearer(internal));
    expect((await role('admin')).code).toBe('ok');
    expect((await app.grpc.call(users, 'getUser', { id }, headers)).code).toBe('ok');
    expect((await app.http.call(users, 'listUsers', {}, headers)).code).toBe('ok');
    expect((await role('player')).code).toBe('ok');
    expect((await app.grpc.call(users, 'getUser', { id }, headers)).code).toBe('user_not_found');
    expect((await app.http.call(users, 'listUsers', {}, headers)).code).toBe('forbidden');
  });

  test('who deletes the own user is nobody then', async () => {
    const headers = bearer(eve.accessToken);
    expect((await app.http.call(users, 'deleteUser', { id: idOf(eve) }, headers)).code).toBe('ok');
    for (const wire of [app.http, app.grpc])
      expect((await wire.call(users, 'getUser', { id: idOf(eve) }, headers)).code).toBe('token_invalid');
  });
});
