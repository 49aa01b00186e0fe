import { ulid } from 'ulid';
import { authFeature } from '../../../src/features/auth/auth.module';
import type { Passwords } from '../../../src/features/auth/auth.passwords';
import { AuthRegistrations } from '../../../src/features/auth/auth.registrations';
import { AuthRepository } from '../../../src/features/auth/auth.repository';
import type { AuthSecrets } from '../../../src/features/auth/auth.secrets';
import { AuthWorker } from '../../../src/features/auth/auth.worker';
import type { UsersApi } from '../../../src/features/users/users.api';
import { Databases } from '../../../src/shared/db/databases';
import { AppError } from '../../../src/shared/errors/app-error';
import { unavailable } from '../../../src/shared/errors/common.errors';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { HandClock } from '../../support/hand-clock';
import { testJobs } from '../../support/jobs';

const hour = 3_600_000;

describe.each(everyDatabase)('$name', ({ create }) => {
  const clock = new HandClock();
  let database: TestDatabase;
  let databases: Databases;
  let repository: AuthRepository;

  beforeAll(async () => {
    database = await create();
    databases = new Databases({ poolMin: 1, poolMax: 4, connectTimeoutMs: 5000, queryTimeoutMs: 5000 });
    databases.register('auth', database.url, authFeature.entities ?? [], authFeature.migrations);
    await databases.connectAll();
    await databases.migrateAll();
    repository = new AuthRepository(databases, clock);
  });
  afterAll(async () => {
    await databases.closeAll();
    await database[Symbol.asyncDispose]();
  });

  const begin = (address: string = ulid()) =>
    repository.begin({ address, creation: ulid(), userId: ulid(), name: 'Ada', email: 'ada@example.com' });

  const registrationsOf = (by: HandClock): AuthRegistrations => {
    const { jobs, logger } = testJobs();
    return new AuthRegistrations(repository, {} as AuthSecrets, {} as Passwords, {} as UsersApi, by, logger, jobs);
  };
  const workerOf = (by: HandClock, users = {} as UsersApi): AuthWorker =>
    new AuthWorker(registrationsOf(by), repository, users, by, testJobs().jobs);

  test('of an address one registration at a time has begun; abandoned, nobody finishes it; ended, another begins', async () => {
    const address = ulid();
    const all = await Promise.all(Array.from({ length: 8 }, () => begin(address)));
    expect(new Set(all.map(({ creation }) => creation)).size).toBe(1);
    const [begun] = all;
    const account = { userId: ulid(), passwordHash: 'x', role: 'player' } as const;
    expect(await repository.abandon(begun!)).toBe(true);
    expect((await begin(address)).abandoned).toBe(1);
    expect(await repository.finish(begun!, account)).toBe(false);
    expect(await repository.account(account.userId)).toBeUndefined();
    await repository.end(begun!);
    expect(await repository.abandon(begun!)).toBe(false);
    const next = await begin(address);
    expect([next.abandoned, next.creation === begun?.creation]).toEqual([0, false]);
    const later = clock.now() + 1;
    expect((await repository.cutOff(later, 0, 10)).map(({ creation }) => creation)).toEqual([next.creation]);
    expect(await repository.cutOff(clock.now(), 0, 10)).toEqual([]);
    expect(await repository.finish(next, account)).toBe(true);
    expect(await repository.cutOff(later, 0, 10)).toEqual([]);
  });

  test('an account is made once, and its role is what was set last', async () => {
    const account = { userId: ulid(), passwordHash: '$argon2id$1', role: 'player' } as const;
    const begun = await begin();
    const made = await Promise.all(Array.from({ length: 8 }, () => repository.finish(begun, account)));
    expect(made.filter(Boolean)).toHaveLength(1);
    expect(await repository.account(account.userId)).toMatchObject(account);
    expect(await repository.account(ulid())).toBeUndefined();
    expect(await repository.setRole(account.userId, 'admin')).toBe(true);
    expect(await repository.setRole(account.userId, 'admin')).toBe(true);
    expect(await repository.roleOf(account.userId, ulid())).toBe('admin');
    expect(await repository.setRole(ulid(), 'admin')).toBe(false);
  });

  test('the password of a deleted user is forgotten, and of nobody else', async () => {
    const here = ulid();
    const gone = ulid();
    for (const userId of [here, gone])
      await repository.finish(await begin(), { userId, passwordHash: 'x', role: 'player' });
    const getUser = async ({ id }: { id: string }): Promise<unknown> => {
      if (id === gone) throw new AppError('not_found', 'user_not_found', 'No such user');
      return {};
    };
    await workerOf(clock, { getUser } as unknown as UsersApi).sweepAccounts();
    expect([await repository.account(here), await repository.account(gone)]).toEqual([expect.anything(), undefined]);
    const unknown = { getUser: () => Promise.reject(unavailable()) } as unknown as UsersApi;
    await expect(workerOf(clock, unknown).sweepAccounts()).rejects.toMatchObject({
      code: 'unavailable',
    });
    expect(await repository.account(here)).toBeDefined();
  });

  test('a revoked token is known as such until it has expired, and no longer', async () => {
    const userId = ulid();
    await repository.finish(await begin(), { userId, passwordHash: 'x', role: 'player' });
    const [first, second] = [ulid(), ulid()];
    const revoked = await Promise.all(
      Array.from({ length: 8 }, () => repository.revoke({ jti: first, userId, expiresAt: clock.now() + hour })),
    );
    expect(revoked.filter(Boolean)).toHaveLength(1);
    const worker = workerOf(clock);
    for (const passed of [0, hour, 2 * hour - 1]) {
      clock.at = passed;
      expect(await worker.pruneRevocations()).toBe(false);
      expect([await repository.roleOf(userId, first), await repository.roleOf(userId, second)]).toEqual([
        undefined,
        'player',
      ]);
    }
    clock.at = 2 * hour + 1;
    await worker.pruneRevocations();
    expect(await repository.roleOf(userId, first)).toBe('player');
    clock.at = 0;
  });

  test('a clock that is a day ahead for a minute lets no revoked token hold again, nor a registration be undone', async () => {
    const userId = ulid();
    await repository.finish(await begin(), { userId, passwordHash: 'x', role: 'player' });
    const jti = ulid();
    await repository.revoke({ jti, userId, expiresAt: clock.now() + hour });
    const begun = await begin();
    const own = new HandClock();
    const worker = workerOf(own);
    expect(await worker.pruneRevocations()).toBe(false);
    own.ahead = 26 * hour;
    const undone = registrationsOf(own);
    for (let second = 0; second < 60; second += 1) {
      own.at += 1000;
      await worker.pruneRevocations();
      await undone.undoCutOff();
    }
    own.ahead = 0;
    await worker.pruneRevocations();
    expect(await repository.roleOf(userId, jti)).toBeUndefined();
    expect((await begin(begun.address)).abandoned).toBe(0);
    own.at += 2 * hour + 1;
    await worker.pruneRevocations();
    own.at += 180_000;
    await worker.pruneRevocations();
    expect(await repository.roleOf(userId, jti)).toBe('player');
    await repository.end(begun);
  });

  test('pruning takes bounded steps and says whether there is more', async () => {
    for (let i = 0; i < 5; i += 1) await repository.revoke({ jti: ulid(), userId: ulid(), expiresAt: clock.now() + i });
    expect(await repository.pruneRevocations(clock.now() + 4, 3)).toBe(3);
    expect(await repository.pruneRevocations(clock.now() + 4, 3)).toBe(1);
    expect(await repository.pruneRevocations(clock.now() + 4, 3)).toBe(0);
    expect(await repository.pruneRevocations(clock.now() + 5, 3)).toBe(1);
  });
});
