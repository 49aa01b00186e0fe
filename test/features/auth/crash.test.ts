import { authContract as auth } from '../../../src/features/auth/auth.api';
import { AuthRegistrations } from '../../../src/features/auth/auth.registrations';
import { AuthRepository } from '../../../src/features/auth/auth.repository';
import { usersContract as users } from '../../../src/features/users/users.api';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { fromElsewhere, manyAddresses, password } from '../../support/players';
import { type Outcome, openApp, type TestApp } from '../../support/wires';

// A process that dies between what users make and what auth makes, at every step of a registration.

describe.each(everyDatabase)('$name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;

  let registrations: AuthRegistrations;

  beforeAll(async () => {
    database = await create();
    app = await openApp(database.url, manyAddresses);
    const begin = jest.spyOn(AuthRegistrations.prototype, 'register');
    await app.http.call(auth, 'register', { name: 'First', email: 'first@example.com', password }, fromElsewhere());
    registrations = begin.mock.contexts[0] as AuthRegistrations;
    begin.mockRestore();
  });
  afterAll(async () => {
    await app[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  /** What the worker does, eleven minutes from now. */
  const sweep = (): Promise<void> => {
    const clock = { sure: () => Date.now() + 11 * 60_000 };
    return (Object.assign(Object.create(registrations), { clock }) as AuthRegistrations).undoCutOff();
  };

  describe.each(['http', 'grpc'] as const)('%s', (wire) => {
    const people = (email: string) =>
      app[wire].call(users, 'listUsers', { email }).then(({ body }) => body.users as { id: string; name: string }[]);
    const register = (email: string, change: object = {}): Promise<Outcome> =>
      app[wire].call(auth, 'register', { name: 'Player', email, password, ...change }, fromElsewhere());
    const login = (email: string, secret = password) =>
      app[wire].call(auth, 'login', { email, password: secret }, fromElsewhere());

    /** Registers, and dies where the account would be made. */
    async function dieBeforeTheAccount(email: string): Promise<void> {
      const died = jest.spyOn(AuthRepository.prototype, 'finish').mockRejectedValueOnce(new Error('killed'));
      expect((await register(email)).code).toBe('internal');
      died.mockRestore();
    }

    test('after the user: whoever registers next, in whatever words, gets that user; then nobody does', async () => {
      const email = `crash-${wire}@example.com`;
      await dieBeforeTheAccount(email);
      const [left] = await people(email);
      expect(left).toMatchObject({ name: 'Player' });
      expect((await login(email)).code).toBe('credentials_invalid');
      const other = { name: 'Somebody', email: email.toUpperCase(), password: 'another password' };
      const next = await register(email, other);
      expect([next.code, next.replayed, [201, 0].includes(next.status)]).toEqual(['ok', false, true]);
      expect(next.body.user).toMatchObject({ id: left?.id, name: 'Somebody', email: other.email });
      expect(await people(email)).toMatchObject([{ id: left?.id, name: 'Somebody' }]);
      expect((await login(email)).code).toBe('credentials_invalid');
      expect((await login(email, other.password)).code).toBe('ok');
      expect((await register(email)).code).toBe('email_taken');
      expect((await register(email, other)).code).toBe('email_taken');
    });

    test('before the user: whoever registers next succeeds', async () => {
      const email = `early-${wire}@example.com`;
      const own = registrations as unknown as { create: () => Promise<unknown> };
      const died = jest.spyOn(own, 'create').mockRejectedValueOnce(new Error('killed'));
      expect((await register(email)).code).toBe('internal');
      died.mockRestore();
      expect(await people(email)).toEqual([]);
      expect((await register(email, { name: 'Somebody' })).code).toBe('ok');
      expect(await people(email)).toMatchObject([{ name: 'Somebody' }]);
    });

    test('a user who is left alone is removed, also when that is cut off, and the address is free', async () => {
      const email = `alone-${wire}@example.com`;
      await dieBeforeTheAccount(email);
      // Somebody may still be at it.
      await registrations.undoCutOff();
      expect(await people(email)).toHaveLength(1);
      const died = jest.spyOn(AuthRepository.prototype, 'end').mockRejectedValueOnce(new Error('killed'));
      await sweep();
      expect(died).toHaveBeenCalledTimes(1);
      died.mockRestore();
      expect(await people(email)).toEqual([]);
      await sweep();
      const next = await register(email);
      expect(next.code).toBe('ok');
      await sweep();
      expect(await people(email)).toMatchObject([{ id: (next.body.user as { id: string }).id }]);
      expect((await login(email)).code).toBe('ok');
    });

    test('a removal that was cut off is completed by whoever registers next', async () => {
      const email = `removed-${wire}@example.com`;
      await dieBeforeTheAccount(email);
      const [left] = await people(email);
      const abandon = jest.spyOn(AuthRepository.prototype, 'abandon');
      const died = jest.spyOn(registrations as unknown as { create: () => Promise<unknown> }, 'create');
      died.mockRejectedValueOnce(new Error('killed'));
      await sweep();
      expect(died).toHaveBeenCalledTimes(1);
      expect(abandon).toHaveBeenCalledTimes(1);
      for (const spy of [died, abandon]) spy.mockRestore();
      const next = await register(email);
      expect(next.code).toBe('ok');
      expect(await people(email)).toMatchObject([{ id: (next.body.user as { id: string }).id }]);
      expect((next.body.user as { id: string }).id).not.toBe(left?.id);
    });

    test('an operator’s user is nobody’s to complete, and stays', async () => {
      const email = `made-${wire}@example.com`;
      expect((await app[wire].call(users, 'createUser', { name: 'Made', email })).code).toBe('ok');
      expect((await register(email)).code).toBe('email_taken');
      await sweep();
      expect(await people(email)).toMatchObject([{ name: 'Made' }]);
    });

    test('of many who register one address at once, one gets it', async () => {
      const email = `crowd-${wire}@example.com`;
      const crowd = Array.from({ length: 8 }, (_, i) => register(email, { name: `Player ${i}` }));
      const codes = (await Promise.all(crowd)).map(({ code }) => code);
      expect(codes.filter((code) => code === 'ok')).toHaveLength(1);
      expect(codes.filter((code) => code === 'email_taken')).toHaveLength(7);
      expect(await people(email)).toHaveLength(1);
      expect((await login(email)).code).toBe('ok');
    });
  });
});
