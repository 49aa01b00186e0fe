import { authContract as auth } from '../../../src/features/auth/auth.api';
import { AuthRepository } from '../../../src/features/auth/auth.repository';
import { usersContract as users } from '../../../src/features/users/users.api';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { fromElsewhere, manyAddresses, password } from '../../support/players';
import { type Outcome, openApp, type TestApp } from '../../support/wires';

// A process that dies after the user was made and before the account was.

describe.each(everyDatabase)('$name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;

  beforeAll(async () => {
    database = await create();
    app = await openApp(database.url, manyAddresses);
  });
  afterAll(async () => {
    await app[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  describe.each(['http', 'grpc'] as const)('%s', (wire) => {
    const email = `crash-${wire}@example.com`;
    const send = (change: object = {}): Promise<Outcome> =>
      app[wire].call(auth, 'register', { name: 'Player', email, password, ...change }, fromElsewhere());

    test('whoever registers again in the same words gets that user; nobody else does', async () => {
      const died = jest.spyOn(AuthRepository.prototype, 'create').mockRejectedValueOnce(new Error('killed'));
      expect((await send()).code).toBe('internal');
      died.mockRestore();
      const left = await app[wire].call(users, 'listUsers', { email });
      const [user] = left.body.users as { id: string }[];
      expect(user).toBeDefined();
      const login = () => app[wire].call(auth, 'login', { email, password }, fromElsewhere());
      expect((await login()).code).toBe('credentials_invalid');
      expect((await send({ password: 'somebody else’s' })).code).toBe('email_taken');
      expect((await send({ name: 'Somebody' })).code).toBe('email_taken');
      const again = await send();
      expect([again.code, again.body.user]).toEqual(['ok', user]);
      // The replay of the user is no replay of the registration.
      expect([again.replayed, [201, 0].includes(again.status)]).toEqual([false, true]);
      expect((await login()).code).toBe('ok');
      expect((await send()).code).toBe('email_taken');
    });
  });
});
