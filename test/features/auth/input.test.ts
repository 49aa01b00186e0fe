import { authContract as auth } from '../../../src/features/auth/auth.api';
import { LoginThrottle } from '../../../src/features/auth/auth.throttle';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { fromElsewhere, manyAddresses } from '../../support/players';
import { openApp, type TestApp } from '../../support/wires';

// What is too long is refused before anything is made of it, and what is stored fits into its column.

const marks = '\u0301\u0323';
const huge = { http: 30_000, grpc: 120_000 };

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
    const register = (change: object) =>
      app[wire].call(
        auth,
        'register',
        { name: 'Ada', email: `ada-${wire}@example.com`, password: 'correct horse', ...change },
        fromElsewhere(),
      );

    test.each(['name', 'email', 'password'])(
      '%s: too long to be composed, or to be counted as a try',
      async (field) => {
        const composed: number[] = [];
        const { normalize } = String.prototype;
        const spy = jest.spyOn(String.prototype, 'normalize').mockImplementation(function (
          this: string,
          form?: string,
        ) {
          composed.push(this.length);
          return normalize.call(this, form);
        });
        const take = jest.spyOn(LoginThrottle.prototype, 'attempt');
        const { code, fields } = await register({ [field]: `${marks.repeat(huge[wire] / 4)}@example.com` });
        expect([code, fields, take.mock.calls.length]).toEqual(['validation_failed', [field], 0]);
        expect(Math.max(0, ...composed)).toBeLessThanOrEqual(1024);
        for (const each of [spy, take]) each.mockRestore();
      },
    );

    test.each([
      `x@example.com/${'\uFB1D'.repeat(40)}${'x'.repeat(187)}`,
      `${'\uFB1D'.repeat(64)}@example.com`,
      `${'\u0958'.repeat(33)}@example.com`,
    ])('an address that composing makes longer than it may be: %s', async (email) => {
      const { code, fields } = await register({ email });
      expect([code, fields]).toEqual(['validation_failed', ['email']]);
    });

    test.each([
      ['128 characters of two code units', '\u{1F600}'.repeat(128), 'ok'],
      ['128 characters, typed in two each', 'e\u0301'.repeat(128), 'ok'],
      ['129 characters', 'x'.repeat(129), 'validation_failed'],
      ['one that is 18 when it is composed', '\uFDFA'.repeat(8), 'validation_failed'],
      ['7 characters', '\u{1F600}'.repeat(7), 'validation_failed'],
    ])('a password of %s', async (what, password, expected) => {
      const email = `${wire}-${what.replace(/\W/g, '')}@example.com`;
      expect((await register({ email, password })).code).toBe(expected);
      if (expected !== 'ok') return;
      const login = { email, password: password.normalize('NFC') };
      expect((await app[wire].call(auth, 'login', login, fromElsewhere())).code).toBe('ok');
    });
  });
});
