import { authContract as auth } from '../../../src/features/auth/auth.api';
import { usersContract as users } from '../../../src/features/users/users.api';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { fromElsewhere, manyAddresses, password, register, tryRegister } from '../../support/players';
import { type Outcome, openApp, type TestApp } from '../../support/wires';

// SPEC 1: who registers has a user and an account, logs in over both wires, and is told nothing about others.

const wires = ['http', 'grpc'] as const;

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

  const login = (wire: 'http' | 'grpc', email: string, secret = password): Promise<Outcome> =>
    app[wire].call(auth, 'login', { email, password: secret }, fromElsewhere());

  describe.each(wires)('%s', (wire) => {
    test('whoever registers has a token, and logs in under any spelling of the address', async () => {
      const outcome = await tryRegister(app, `Ada-${wire}@Example.com`, wire);
      expect([201, 0]).toContain(outcome.status);
      const { accessToken, user, ...rest } = outcome.body as { accessToken: string; user: { id: string } };
      expect(rest).toEqual({ tokenType: 'Bearer', expiresIn: 86_400 });
      expect(user).toMatchObject({ name: 'Player', email: `Ada-${wire}@Example.com`, version: 1 });
      const again = await login(wire, `ADA-${wire}@example.COM`);
      expect(again.body).toMatchObject({ user, tokenType: 'Bearer' });
      for (const token of [accessToken, again.body.accessToken]) {
        const verified = await app[wire].call(auth, 'verify', {}, { authorization: `Bearer ${token}` });
        expect(verified.body).toMatchObject({ user, role: 'player' });
        const left = Date.parse(String(verified.body.expiresAt)) - Date.now();
        expect([left > 86_000_000, left <= 86_400_000]).toEqual([true, true]);
      }
    });

    test('a password is the same however the keyboard composes it', async () => {
      const composed = 'caf\u00e9 cr\u00e8me br\u00fbl\u00e9e';
      const email = `unicode-${wire}@example.com`;
      const made = await app[wire].call(auth, 'register', { name: 'A', email, password: composed }, fromElsewhere());
      expect(made.code).toBe('ok');
      expect((await login(wire, email, composed.normalize('NFD'))).code).toBe('ok');
      expect((await login(wire, email, `${composed} `)).code).toBe('credentials_invalid');
    });

    test('an address is taken once, in any spelling', async () => {
      await register(app, `taken-${wire}@example.com`, wire);
      expect((await tryRegister(app, `TAKEN-${wire}@example.com`, wire)).code).toBe('email_taken');
      const other = { name: 'Other', email: `taken-${wire}@example.com`, password: 'another password' };
      expect((await app[wire].call(auth, 'register', other, fromElsewhere())).code).toBe('email_taken');
    });

    test('an unknown user, a user without an account and a wrong password get the same answer', async () => {
      await register(app, `known-${wire}@example.com`, wire);
      const made = { name: 'Made', email: `made-${wire}@example.com` };
      expect((await app[wire].call(users, 'createUser', made)).code).toBe('ok');
      const [unknown, without, wrong] = await Promise.all([
        login(wire, `unknown-${wire}@example.com`),
        login(wire, made.email),
        login(wire, `known-${wire}@example.com`, 'wrong password'),
      ]);
      expect([unknown.code, unknown.body]).toEqual([
        'credentials_invalid',
        { message: 'E-mail address or password is wrong' },
      ]);
      expect([401, 16]).toContain(unknown.status);
      expect(without).toEqual(unknown);
      expect(wrong).toEqual(unknown);
    });

    test('the token of a deleted user is refused, and the address is free again for the same password', async () => {
      const player = await register(app, `gone-${wire}@example.com`, wire);
      expect((await app[wire].call(users, 'deleteUser', { id: player.id })).code).toBe('ok');
      expect((await app[wire].call(auth, 'verify', {}, player.headers)).code).toBe('token_invalid');
      expect((await login(wire, player.email)).code).toBe('credentials_invalid');
      const next = await register(app, player.email, wire);
      expect(next.id).not.toBe(player.id);
      expect((await app[wire].call(auth, 'verify', {}, next.headers)).code).toBe('ok');
      expect((await app[wire].call(auth, 'verify', {}, player.headers)).code).toBe('token_invalid');
    });

    test('a deleted address is free in other words, too, and more than a few times', async () => {
      const email = `lives-${wire}@example.com`;
      const words = { name: 'Ann', email, password };
      const lives = [words, { ...words, name: 'Anna' }, { ...words, email: `Lives-${wire}@Example.com` }];
      for (const each of [...lives, words, words, words, words, words, words]) {
        const { code, body } = await app[wire].call(auth, 'register', each, fromElsewhere());
        expect([each, code]).toEqual([each, 'ok']);
        const { id } = body.user as { id: string };
        expect((await app[wire].call(auth, 'register', words, fromElsewhere())).code).toBe('email_taken');
        expect((await app[wire].call(users, 'deleteUser', { id })).code).toBe('ok');
      }
    });

    test('a role holds at once, in both directions, for the token that is out', async () => {
      const player = await register(app, `role-${wire}@example.com`, wire);
      const list = () => app[wire].call(users, 'listUsers', { pageSize: 1 }, player.headers);
      const make = (role: string) => app[wire].call(auth, 'setRole', { userId: player.id, role });
      expect((await list()).code).toBe('forbidden');
      expect((await make('admin')).body).toEqual({ userId: player.id, role: 'admin' });
      expect((await list()).code).toBe('ok');
      expect((await app[wire].call(auth, 'verify', {}, player.headers)).body).toMatchObject({ role: 'admin' });
      expect((await make('player')).code).toBe('ok');
      expect((await list()).code).toBe('forbidden');
      const self = await app[wire].call(auth, 'setRole', { userId: player.id, role: 'admin' }, player.headers);
      expect(self.code).toBe('forbidden');
    });

    test('a role needs a user, and an account', async () => {
      const unknown = { userId: '01KAJ0000000000000000000AA', role: 'admin' };
      expect((await app[wire].call(auth, 'setRole', unknown)).code).toBe('user_not_found');
      const made = await app[wire].call(users, 'createUser', { name: 'Made', email: `no-account-${wire}@example.com` });
      const without = { userId: made.body.id, role: 'admin' };
      expect((await app[wire].call(auth, 'setRole', without)).code).toBe('account_not_found');
    });
  });

  test('of ten who register one address at once, one has it', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, (_, i) => tryRegister(app, 'race@example.com', wires[i % 2])),
    );
    expect(outcomes.filter(({ code }) => code === 'ok')).toHaveLength(1);
    // in_progress: somebody else's try of the very same registration is not done yet.
    for (const { code } of outcomes) expect(['ok', 'email_taken', 'in_progress', 'resource_busy']).toContain(code);
    expect((await login('http', 'race@example.com')).code).toBe('ok');
  });
});
