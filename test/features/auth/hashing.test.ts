import { request } from 'undici';
import { authContract as auth } from '../../../src/features/auth/auth.api';
import { AuthMetrics, authMetrics } from '../../../src/features/auth/auth.metrics';
import { Passwords } from '../../../src/features/auth/auth.passwords';
import { SystemClock } from '../../../src/shared/clock/system.clock';
import { startApp } from '../../support/app';
import { everyDatabase } from '../../support/databases';
import { metricsOf } from '../../support/metrics';
import { fromElsewhere, manyAddresses } from '../../support/players';
import { HttpWire, openApp } from '../../support/wires';

// Passwords are hashed two at a time, beside the event loop, and only so many wait.

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
  const database = await (everyDatabase[0] as (typeof everyDatabase)[number]).create();
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

/** How often liveness answers, one question after another, while 50 people log in. */
async function livenessWhileHashing(url: string): Promise<number> {
  const http = new HttpWire(url);
  let hashing = true;
  const logins = Array.from({ length: 50 }, (_, i) =>
    http.call(auth, 'login', { email: `busy-${i}@example.com`, password: 'correct horse' }, fromElsewhere()),
  );
  const done = Promise.all(logins).finally(() => {
    hashing = false;
  });
  let answers = 0;
  for (; hashing; answers += 1) await (await request(`${url}/health/live`)).body.dump();
  const codes = (await done).map(({ code }) => code).filter((code) => code !== 'deadline_exceeded');
  expect(new Set(codes)).toEqual(new Set(['credentials_invalid']));
  return answers;
}

test('while 50 logins are hashed, liveness answers more often than that', async () => {
  await using app = await startApp({ env: manyAddresses });
  expect(await livenessWhileHashing(app.url)).toBeGreaterThan(50);
});
