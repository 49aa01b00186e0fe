import { authContract as auth } from '../../../src/features/auth/auth.api';
import { AuthRegistrations } from '../../../src/features/auth/auth.registrations';
import { AuthRepository } from '../../../src/features/auth/auth.repository';
import { usersContract as users } from '../../../src/features/users/users.api';
import { Idempotency } from '../../../src/shared/idempotency/idempotency';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { metricSum } from '../../support/metrics';
import { fromElsewhere, manyAddresses, password } from '../../support/players';
import { TimeTravel } from '../../support/time-travel';
import { openApp, type TestApp } from '../../support/wires';

// A registration that was cut off, and is taken up when the answers that are kept for a day are gone.

describe.each(everyDatabase)('$name', ({ create }) => {
  let database: TestDatabase;
  let travel: TimeTravel;
  let app: TestApp;
  let registrations: AuthRegistrations;
  let idempotency: Idempotency;

  beforeAll(async () => {
    database = await create();
    travel = new TimeTravel('2026-11-20T10:00:00.000Z');
    const begin = jest.spyOn(AuthRegistrations.prototype, 'register');
    const callOf = jest.spyOn(Idempotency.prototype, 'callOf');
    app = await openApp(database.url, manyAddresses);
    await register('first@example.com', 'http');
    registrations = begin.mock.contexts[0] as AuthRegistrations;
    idempotency = callOf.mock.contexts[0] as Idempotency;
    for (const spy of [begin, callOf]) spy.mockRestore();
  });
  afterAll(async () => {
    await app[Symbol.asyncDispose]();
    travel[Symbol.dispose]();
    await database[Symbol.asyncDispose]();
  });
  beforeEach(() => travel.to('2026-11-20T10:00:00.000Z'));

  const register = (email: string, wire: 'http' | 'grpc', name = 'Player') =>
    app[wire].call(auth, 'register', { name, email, password }, fromElsewhere());
  const people = async (email: string) =>
    (await app.http.call(users, 'listUsers', { email })).body.users as { id: string; name: string }[];

  async function dieBeforeTheAccount(email: string): Promise<string> {
    const died = jest.spyOn(AuthRepository.prototype, 'finish').mockRejectedValueOnce(new Error('killed'));
    expect((await register(email, 'http')).code).toBe('internal');
    died.mockRestore();
    return (await people(email))[0]?.id ?? '';
  }

  async function aDayPasses(pruned: boolean): Promise<void> {
    travel.to('2026-11-21T11:00:00.000Z');
    if (pruned) for (const prune of Object.values(idempotency.jobs)) await prune();
  }

  describe.each([
    ['pruned', true],
    ['still there', false],
  ])('with the answer %s', (_what, pruned) => {
    test.each(['http', 'grpc'] as const)('whoever registers the address completes it (%s)', async (wire) => {
      const email = `late-${wire}-${pruned}@example.com`;
      const left = await dieBeforeTheAccount(email);
      await aDayPasses(pruned);
      const next = await register(email, wire, 'Somebody');
      expect([next.code, (next.body.user as { id: string } | undefined)?.id]).toEqual(['ok', left]);
      expect(await people(email)).toMatchObject([{ id: left, name: 'Somebody' }]);
      const { code } = await app[wire].call(auth, 'login', { email, password }, fromElsewhere());
      expect([code, (await register(email, wire)).code]).toEqual(['ok', 'email_taken']);
    });

    test('nobody registers it: the user is removed, and the address is free', async () => {
      const email = `swept-${pruned}@example.com`;
      const left = await dieBeforeTheAccount(email);
      await aDayPasses(pruned);
      await registrations.undoCutOff();
      expect(await people(email)).toEqual([]);
      const next = await register(email, 'http');
      expect([next.code, (next.body.user as { id: string }).id === left]).toEqual(['ok', false]);
    });
  });

  test('one that cannot be undone stops no other, is tried five times, and is a metric', async () => {
    const emails = ['stuck', 'behind'].map((name) => `${name}@example.com`);
    for (const email of emails) await dieBeforeTheAccount(email);
    await aDayPasses(false);
    const own = registrations as unknown as { create: (begun: { email: string }) => Promise<unknown> };
    const { create: really } = own;
    const stuck = jest
      .spyOn(own, 'create')
      .mockImplementation((begun) =>
        begun.email === emails[0] ? Promise.reject(new Error('value too long')) : really.call(registrations, begun),
      );
    for (let round = 1; round <= 7; round += 1) {
      await registrations.undoCutOff();
      expect(await metricSum(app.url, 'job_rows_parked{job="auth.registrations"}')).toBe(round < 5 ? 0 : 1);
    }
    expect(stuck.mock.calls.filter(([{ email }]) => email === emails[0])).toHaveLength(5);
    expect([await people(emails[0] ?? ''), await people(emails[1] ?? '')]).toEqual([[expect.anything()], []]);
    stuck.mockRestore();
    // Whoever registers it completes it all the same.
    expect((await register(emails[0] ?? '', 'http')).code).toBe('ok');
    await registrations.undoCutOff();
    expect(await metricSum(app.url, 'job_rows_parked{job="auth.registrations"}')).toBe(0);
  });

  test('cut off in the middle of being removed, two days apart: it is removed all the same', async () => {
    const email = 'twice@example.com';
    await dieBeforeTheAccount(email);
    await aDayPasses(true);
    const died = jest.spyOn(AuthRepository.prototype, 'end').mockRejectedValueOnce(new Error('killed'));
    await registrations.undoCutOff();
    expect(died).toHaveBeenCalledTimes(1);
    died.mockRestore();
    travel.to('2026-11-23T10:00:00.000Z');
    await registrations.undoCutOff();
    expect(await people(email)).toEqual([]);
    expect((await register(email, 'http')).code).toBe('ok');
  });

  test('an operator’s user who has the address meanwhile stays, and is nobody’s to complete', async () => {
    const email = 'operator@example.com';
    const own = registrations as unknown as { create: () => Promise<unknown> };
    const died = jest.spyOn(own, 'create').mockRejectedValueOnce(new Error('killed'));
    expect((await register(email, 'http')).code).toBe('internal');
    died.mockRestore();
    expect((await app.http.call(users, 'createUser', { name: 'Made', email })).code).toBe('ok');
    await aDayPasses(true);
    expect((await register(email, 'http')).code).toBe('email_taken');
    await registrations.undoCutOff();
    expect(await people(email)).toMatchObject([{ name: 'Made' }]);
  });
});
