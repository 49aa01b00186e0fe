import { eventsGatewayContract as gateway } from '../../../src/features/events-gateway/events-gateway.api';
import { usersContract as users } from '../../../src/features/users/users.api';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { eventBody, signed } from '../../support/signed';
import { openApp, type TestApp } from '../../support/wires';

// How serialisers of other languages spell a field that is not there, and how a patch says that a field is to be cleared.

const json = { 'content-type': 'application/json' };
let made = 0;
function next(): number {
  made += 1;
  return made;
}
const address = (): string => `absent${next()}@example.com`;

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

  const send = (method: string, path: string, body: object) => app.http.send(method, path, json, JSON.stringify(body));

  test('null for an absent optional is absent', async () => {
    const { code, body } = await send('POST', '/users', { name: 'Ada', email: address(), age: null });
    expect([code, Object.hasOwn(body, 'age')]).toEqual(['ok', false]);
  });

  test.each([null, ''])('%p for an optional of an event is absent, also in a batch', async (nothing) => {
    const event = eventBody({ payload: { deltaXp: 10, activity: nothing } });
    const one = signed(`absent-${next()}`, event);
    expect((await app.http.call(gateway, 'ingest', one)).code).toBe('ok');
    const drop = { type: 'drop_claimed', payload: { dropId: 'd', weight: 1, source: nothing } };
    const events = [
      { id: `absent-${next()}`, ...event },
      { id: `absent-${next()}`, ...eventBody(drop) },
    ];
    const { body } = await app.grpc.call(gateway, 'ingestBatch', signed('absent', { events }));
    expect(body.results).toEqual(events.map(({ id }) => ({ eventId: id, status: 'accepted' })));
  });

  test.each([
    [{ name: null, email: 'a@example.com' }, ['name']],
    [{ name: '', email: 'a@example.com', age: null }, ['name']],
    [{ name: 'Ada', email: 'a@example.com', nickname: null }, ['nickname']],
    [{ name: 'Ada', email: 'a@example.com', age: [null] }, ['age']],
  ])('%j is refused: that field is required, unknown or of another type', async (body, fields) => {
    expect(await send('POST', '/users', body)).toMatchObject({ code: 'validation_failed', fields });
  });

  test('null in a patch clears, and gRPC says the same by name', async () => {
    const { body: user } = await send('POST', '/users', { name: 'Ada', email: address(), age: 36 });
    const cleared = await send('PATCH', `/users/${user.id}`, { age: null });
    expect([cleared.code, Object.hasOwn(cleared.body, 'age'), cleared.body.version]).toEqual(['ok', false, 2]);
    expect((await app.grpc.call(users, 'getUser', { id: user.id })).body).toEqual(cleared.body);
    expect((await send('PATCH', `/users/${user.id}`, { age: 37 })).body.age).toBe(37);
    const again = await app.grpc.call(users, 'updateUser', { id: user.id, name: 'Eve', clear: ['age'] });
    expect(again.body).toMatchObject({ name: 'Eve', version: 4 });
    expect(Object.hasOwn(again.body, 'age')).toBe(false);
  });

  test.each([
    [{ name: null }, 'name'],
    [{ email: null, age: 3 }, 'email'],
    [{ expectedVersion: null, age: 3 }, 'expectedVersion'],
    [{ age: 3, clear: ['age'] }, 'age'],
    [{ clear: ['name'] }, 'clear[0]'],
    [{ clear: ['age', 'age'] }, 'clear'],
    [{ clear: [] }, 'body'],
  ])('the patch %j is refused', async (patch, field) => {
    const { body: user } = await send('POST', '/users', { name: 'Ada', email: address(), age: 36 });
    expect(await send('PATCH', `/users/${user.id}`, patch)).toMatchObject({ status: 400, fields: [field] });
    expect((await app.http.call(users, 'getUser', { id: user.id })).body).toEqual(user);
  });
});
