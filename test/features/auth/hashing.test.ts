import { request } from 'undici';
import { authContract as auth } from '../../../src/features/auth/auth.api';
import { AuthMetrics, authMetrics } from '../../../src/features/auth/auth.metrics';
import { Passwords } from '../../../src/features/auth/auth.passwords';
import { SystemClock } from '../../../src/shared/clock/system.clock';
import { type DatabaseKind, everyDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { metricSum, metricsOf } from '../../support/metrics';
import { fromElsewhere, manyAddresses } from '../../support/players';
import { holdThreads } from '../../support/threads';
import { openApp } from '../../support/wires';

// Passwords are hashed two at a time, beside the event loop, and only so many wait.

const [sqlite] = everyDatabase as [DatabaseKind, ...DatabaseKind[]];
const makePasswords = (): Passwords => new Passwords(metricsOf(AuthMetrics, authMetrics), new SystemClock());

test('a hash is argon2id with 19 MiB and two passes, and verifies', async () => {
  const passwords = makePasswords();
  const hash = await passwords.hash('correct horse');
  expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  // Each has a salt of its own.
  expect(await passwords.hash('correct horse')).not.toBe(hash);
  expect(await passwords.verify(hash, 'correct horse')).toBe(true);
  expect(await passwords.verify(hash, 'Correct horse')).toBe(false);
  expect(await passwords.verify(undefined, 'correct horse')).toBe(false);
});

test('two are hashed and 64 wait; the next one is told to come back, and later there is room again', async () => {
  const passwords = makePasswords();
  const taken = Array.from({ length: 66 }, () => passwords.hash('correct horse'));
  const error = await passwords.hash('correct horse').catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ kind: 'throttled', code: 'rate_limited', details: { retryAfterMs: 1000 } });
  expect(new Set(await Promise.all(taken)).size).toBe(66);
  await passwords.hash('correct horse');
});

test('a hash that fails gives its turn back', async () => {
  const passwords = makePasswords();
  const broken = Array.from({ length: 6 }, () => passwords.verify('no hash', 'x').catch(() => 'failed'));
  expect(await Promise.all(broken)).toEqual(new Array(6).fill('failed'));
  expect(await passwords.verify(undefined, 'x')).toBe(false);
});

test('200 logins at once: some are served, the rest are told to come back, over both wires', async () => {
  const database = await sqlite.create();
  {
    await using app = await openApp(database.url, manyAddresses);
    const outcomes = await Promise.all(
      Array.from({ length: 200 }, (_, i) => {
        const message = { email: `crowd-${i}@example.com`, password: 'correct horse' };
        return app[i % 2 ? 'http' : 'grpc'].call(auth, 'login', message, fromElsewhere());
      }),
    );
    const codes = (code: string) => outcomes.filter((outcome) => outcome.code === code);
    // Who is taken is served, or told that it took too long on a busy machine.
    const taken = codes('credentials_invalid').length + codes('deadline_exceeded').length;
    expect(taken).toBeGreaterThanOrEqual(66);
    expect(codes('credentials_invalid').length).toBeGreaterThan(0);
    expect(codes('rate_limited').length).toBeGreaterThan(0);
    expect(taken + codes('rate_limited').length).toBe(200);
    for (const { status, retryAfter } of codes('rate_limited')) {
      expect([[429, 8].includes(status), retryAfter]).toEqual([true, true]);
    }
  }
  await database[Symbol.asyncDispose]();
});

test('while 50 logins are hashed, liveness answers more often than that', async () => {
  await using database = await sqlite.create();
  await using app = await openApp(database.url, manyAddresses);
  let answered = 0;
  const login = async (i: number): Promise<string> => {
    const message = { email: `busy-${i}@example.com`, password: 'correct horse' };
    const { code } = await app.http.call(auth, 'login', message, fromElsewhere());
    answered += 1;
    return code;
  };
  let logins: Promise<string>[];
  {
    // Hashing stands still with its threads: on the event loop it would go on, and liveness would wait for it.
    using _held = holdThreads();
    logins = Array.from({ length: 50 }, (_, i) => login(i));
    await eventually(async () => expect(await metricSum(app.url, 'auth_hash_queue')).toBe(48));
    for (let i = 0; i < 51; i += 1) expect((await request(`${app.url}/health/live`)).statusCode).toBe(200);
    expect(answered).toBe(0);
  }
  // Who waited longer than its time on a busy machine is told so.
  const codes = (await Promise.all(logins)).filter((code) => code !== 'deadline_exceeded');
  expect(new Set(codes)).toEqual(new Set(['credentials_invalid']));
});
