import { ulid } from 'ulid';
import { UsersCache } from '../../../src/features/users/users.cache';
import { type UserRow, usersTable } from '../../../src/features/users/users.entity';
import type { UsersMetrics } from '../../../src/features/users/users.metrics';
import { usersMigrations } from '../../../src/features/users/users.migrations';
import { UsersRepository } from '../../../src/features/users/users.repository';
import { UsersService } from '../../../src/features/users/users.service';
import { asInternal } from '../../../src/shared/auth/caller';
import { StandingRegistry } from '../../../src/shared/auth/standing';
import { BypassCache } from '../../../src/shared/cache/bypass.cache';
import { CacheMetrics, cacheMetrics } from '../../../src/shared/cache/cache.metrics';
import { MemoryCache } from '../../../src/shared/cache/memory.cache';
import type { Config } from '../../../src/shared/config/config';
import { PageTokens } from '../../../src/shared/contract/page-token';
import { Databases } from '../../../src/shared/db/databases';
import { insertRow } from '../../../src/shared/db/entity';
import { resourceBusy } from '../../../src/shared/errors/common.errors';
import { Idempotency } from '../../../src/shared/idempotency/idempotency';
import type { Lock } from '../../../src/shared/lock/lock';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { HandClock } from '../../support/hand-clock';
import { LyingLock } from '../../support/lying-lock';
import { metricsOf } from '../../support/metrics';
import { recordingLogger } from '../../support/recording-logger';

// The version is the safety, not the lock: this one grants everybody at once.

const options = { poolMin: 1, poolMax: 8, connectTimeoutMs: 10_000, queryTimeoutMs: 10_000 };
const noCache = new BypassCache(metricsOf(CacheMetrics, cacheMetrics));
const config = { hmacKeys: [{ kid: 'default', secret: Buffer.alloc(32) }] } as unknown as Config;

describe.each(everyDatabase)('$name', ({ create }) => {
  let database: TestDatabase;
  let databases: Databases;
  let repository: UsersRepository;
  let users: UsersService;
  beforeEach(async () => {
    database = await create();
    databases = new Databases(options);
    databases.register('users', database.url, [usersTable], usersMigrations);
    await databases.connectAll();
    await databases.migrateAll();
    const clock = new HandClock();
    repository = new UsersRepository(databases, new Idempotency(config, clock));
    users = served(new LyingLock());
  });
  afterEach(async () => {
    await databases.closeAll();
    await database[Symbol.asyncDispose]();
  });

  const served = (lock: Lock): UsersService => {
    const metrics = { count: () => undefined } as unknown as UsersMetrics;
    const parts = [metrics, recordingLogger().logger, new PageTokens(config)] as const;
    return new UsersService(
      repository,
      new UsersCache(noCache, new StandingRegistry(new HandClock())),
      lock,
      new HandClock(),
      ...parts,
    );
  };
  const update = (by: UsersService, id: string, name: string) =>
    asInternal(() => by.updateUser({ id, name, clear: [] }));
  const remove = (by: UsersService, id: string) => asInternal(() => by.deleteUser({ id }));

  const made = async (): Promise<UserRow> => {
    const [id, now] = [ulid(), Date.now()];
    const person = { name: 'Ada', email: 'ada@example.com', emailKey: 'ada@example.com', age: null };
    const user = { id, ...person, version: 1, createdAt: now, updatedAt: now };
    return (await repository.create(user, { request: {}, key: undefined })).done;
  };

  test('fifty changes at once under a lock that lies: none is lost', async () => {
    const { id } = await made();
    const changes = Array.from({ length: 50 }, (_, i) => update(users, id, `name ${i}`));
    const settled = await Promise.allSettled(changes);
    const done = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const failed = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason as { code: string }] : []));
    expect(done.length).toBeGreaterThan(0);
    expect(failed.filter(({ code }) => code !== 'resource_busy')).toEqual([]);
    expect(done.map(({ version }) => version).sort((a, b) => a - b)).toEqual(done.map((_, i) => i + 2));
    const last = done.find(({ version }) => version === done.length + 1);
    expect(await repository.find(id, undefined)).toMatchObject({ version: done.length + 1, name: last?.name });
  });

  test('whoever may have lost the lock does not even try to write', async () => {
    const { id } = await made();
    const check = (): void => {
      throw resourceBusy();
    };
    const lost = { check, [Symbol.asyncDispose]: async () => undefined };
    const lock = { hold: async () => lost } as unknown as Lock;
    const late = served(lock);
    await expect(update(late, id, 'late')).rejects.toMatchObject({
      code: 'resource_busy',
    });
    await expect(remove(late, id)).rejects.toMatchObject({ code: 'resource_busy' });
    expect(await repository.find(id, undefined)).toMatchObject({ name: 'Ada', version: 1 });
  });

  test('a row is inserted as it is, so that a retry inserts the very same', async () => {
    const row = { ...(await made()), id: ulid(), email: 'eve@example.com', emailKey: 'eve@example.com' };
    const before = { ...row };
    await databases.of('users').transaction((tx) => insertRow(tx, usersTable, row));
    expect(row).toEqual(before);
  });

  test('deleted once, by one of ten at once', async () => {
    const { id } = await made();
    const settled = await Promise.allSettled(Array.from({ length: 10 }, () => remove(users, id)));
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const codes = settled.flatMap((one) => (one.status === 'rejected' ? [(one.reason as { code: string }).code] : []));
    expect(new Set(codes)).toEqual(new Set(codes.filter((code) => ['resource_busy', 'user_not_found'].includes(code))));
  });

  test('who owns another user finds none here, whatever the id', async () => {
    const user = await made();
    const stranger = ulid();
    expect(await repository.find(user.id, stranger)).toBeUndefined();
    expect(await repository.replace({ ...user, version: 2 }, 1, stranger)).toBe(false);
    expect(await repository.remove(user.id, 1, stranger)).toBe(false);
    expect(await repository.find(user.id, user.id)).toMatchObject({ version: 1 });
  });
});

test('a slow reader does not put back a user who was deleted meanwhile, nor an older one', async () => {
  const memory = new MemoryCache({ cacheTtlMs: 60_000 } as unknown as Config, metricsOf(CacheMetrics, cacheMetrics));
  const cache = new UsersCache(memory, new StandingRegistry(new HandClock()));
  const user = (version: number) => ({ id: 'ada', version }) as UserRow;
  await cache.put(user(2));
  await cache.put(user(1));
  expect(await cache.get('ada')).toEqual(user(2));
  await cache.remove(user(2), async () => true);
  await cache.put(user(2));
  expect(await cache.get('ada')).toBe('deleted');
});

test('who asks for the standing of a deleted user right after it was forgotten does not find the user in the cache', async () => {
  const memory = new MemoryCache({ cacheTtlMs: 60_000 } as unknown as Config, metricsOf(CacheMetrics, cacheMetrics));
  const standings = new StandingRegistry(new HandClock());
  const cache = new UsersCache(memory, standings);
  await cache.put({ id: 'ada', version: 1 } as UserRow);
  const found: unknown[] = [];
  const forget = standings.forget.bind(standings);
  jest.spyOn(standings, 'forget').mockImplementation((id) => {
    forget(id);
    found.push(cache.get(id));
  });
  await cache.remove({ id: 'ada', version: 1 } as UserRow, async () => true);
  expect(await Promise.all(found)).toEqual(['deleted']);
});
