import { usersContract as users } from '../../../src/features/users/users.api';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { openApp, type TestApp } from '../../support/wires';

// Another process may choose the id of the user that it wants made; made once, it is that user for ever.

const secret = 'internal-secret-of-this-test-0123456789';
const internal = { authorization: `Bearer ${secret}` };

describe.each(everyDatabase)('$name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  beforeAll(async () => {
    database = await create();
    app = await openApp(database.url, { INTERNAL_API_SECRET: secret });
  });
  afterAll(async () => {
    await app[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  describe.each([
    ['http', '01KAJ0000000000000000000AA'],
    ['grpc', '01KAJ0000000000000000000BB'],
  ] as const)('%s', (wire, id) => {
    const make = (message: object, headers: Record<string, string> = internal) =>
      app[wire].call(users, 'createUser', message, headers);
    const email = `${wire}@example.com`;

    test('nobody else may', async () => {
      const { code, fields } = await make({ name: 'Ada', email, id }, {});
      expect([code, fields]).toEqual(['validation_failed', ['id']]);
    });

    test('asked for at once and again, also by another address, it is one user', async () => {
      const all = await Promise.all(Array.from({ length: 6 }, () => make({ name: 'Ada', email, id })));
      all.push(await make({ name: 'Eve', email: `other-${wire}@example.com`, id }));
      expect(all.map(({ code, body }) => [code, body.id, body.name])).toEqual(all.map(() => ['ok', id, 'Ada']));
      expect(all.filter(({ replayed }) => !replayed)).toHaveLength(1);
      const { body } = await app[wire].call(users, 'listUsers', { email: `other-${wire}@example.com` }, internal);
      expect(body.users).toEqual([]);
    });

    test('somebody else’s address is taken all the same', async () => {
      const other = id.replace(/.$/, 'Z');
      expect((await make({ name: 'Eve', email, id: other })).code).toBe('email_taken');
      expect((await app[wire].call(users, 'getUser', { id: other }, internal)).code).toBe('user_not_found');
    });
  });
});
