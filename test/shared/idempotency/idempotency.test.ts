import { Table } from 'typeorm';
import { asInternal } from '../../../src/shared/auth/caller';
import type { Config } from '../../../src/shared/config/config';
import { text } from '../../../src/shared/db/columns';
import type { Database } from '../../../src/shared/db/database';
import { Databases } from '../../../src/shared/db/databases';
import { createTable } from '../../../src/shared/db/table.migration';
import { Idempotency } from '../../../src/shared/idempotency/idempotency';
import {
  IdempotencyRepository,
  type IdempotentCall,
  type Once,
} from '../../../src/shared/idempotency/idempotency.repository';
import { idempotencyTable } from '../../../src/shared/idempotency/idempotency.table';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { HandClock } from '../../support/hand-clock';

// Key, effect and answer are there together or not at all.

const options = { poolMin: 1, poolMax: 8, connectTimeoutMs: 10_000, queryTimeoutMs: 10_000 };
const migrations = [
  createTable(
    'CreateEffects1795219900000',
    (type) => new Table({ name: 'effects', columns: [text(type, 'name', 32)] }),
  ),
  createTable('CreateKeys1795219900001', (type) => idempotencyTable(type, 'keys_of_test')),
];
const call = (change: Partial<IdempotentCall> = {}): IdempotentCall => ({
  keyHash: 'k'.repeat(64),
  fingerprint: 'f'.repeat(64),
  now: 1000,
  expiresAt: 2000,
  ...change,
});

describe.each(everyDatabase)('$name', ({ name, create }) => {
  let database: TestDatabase;
  let databases: Databases;
  let keys: IdempotencyRepository;
  // Waits for others for a shorter time.
  let hasty: Databases;
  beforeAll(async () => {
    database = await create();
    databases = new Databases(options);
    hasty = new Databases({ ...options, queryTimeoutMs: 2000 });
    for (const each of [databases, hasty]) {
      each.register('test', database.url, [], migrations);
      await each.connectAll();
    }
    await databases.migrateAll();
    keys = new IdempotencyRepository(databases.of('test'), 'keys_of_test');
  });
  afterAll(async () => {
    for (const each of [hasty, databases]) await each.closeAll();
    await database[Symbol.asyncDispose]();
  });
  afterEach(() =>
    databases.of('test').transaction(async (tx) => {
      await tx.run('DELETE FROM effects');
      await tx.run('DELETE FROM keys_of_test');
    }),
  );

  const once = (one: IdempotentCall, answer: string, during = async (): Promise<void> => undefined, by = databases) =>
    by.of('test').transaction((tx) =>
      keys.once(tx, one, async () => {
        await tx.run('INSERT INTO effects (name) VALUES (?)', [answer]);
        await during();
        return { answer };
      }),
    );
  const effects = async (): Promise<string[]> =>
    (await databases.of('test').read((sql) => sql.rows<{ name: string }>('SELECT name FROM effects'))).map(
      (row) => row.name,
    );

  test('the same call again has no effect and the first answer', async () => {
    expect(await once(call(), 'first')).toEqual({ done: { answer: 'first' }, replayed: false });
    const again = await once(call(), 'second');
    expect(again).toEqual({ done: { answer: 'first' }, replayed: true });
    expect(await effects()).toEqual(['first']);
  });

  test('another request under the key is refused', async () => {
    await once(call(), 'first');
    const refused = once(call({ fingerprint: 'x'.repeat(64) }), 'second');
    await expect(refused).rejects.toMatchObject({ kind: 'unprocessable', code: 'idempotency_key_reused' });
    expect(await effects()).toEqual(['first']);
  });

  test('the same request under a secret that was changed meanwhile is the same', async () => {
    await once(call(), 'first');
    const later = call({ fingerprint: 'n'.repeat(64), earlier: ['f'.repeat(64)] });
    expect((await once(later, 'second')).done.answer).toBe('first');
  });

  test('what failed left nothing, so the key is free', async () => {
    const failing = once(call(), 'first', () => Promise.reject(new Error('power cut')));
    await expect(failing).rejects.toThrow('power cut');
    expect(await effects()).toEqual([]);
    expect((await once(call({ fingerprint: 'x'.repeat(64) }), 'second')).replayed).toBe(false);
  });

  test('while the first is still at work others wait, and are told when that takes too long', async () => {
    let finish = (): void => undefined;
    const begun = new Promise<void>((resolve) => {
      const work = () =>
        new Promise<void>((done) => {
          finish = done;
          resolve();
        });
      first = once(call(), 'first', work);
    });
    await begun;
    const waiter = name === 'sqlite' ? databases : hasty;
    const second = once(call(), 'second', undefined, waiter).then(
      ({ done }) => done.answer,
      (error: { code: string; kind: string }) => `${error.kind} ${error.code}`,
    );
    // SQLite has one connection: there the second waits for its turn.
    if (name === 'sqlite') finish();
    expect(await second).toBe(name === 'sqlite' ? 'first' : 'conflict in_progress');
    finish();
    expect((await first)?.done).toEqual({ answer: 'first' });
    expect((await once(call(), 'third')).done.answer).toBe('first');
    expect(await effects()).toEqual(['first']);
  });
  let first: Promise<Once<{ answer: string }>> | undefined;

  test('a day later the key is a new one, and is removed when nobody uses it', async () => {
    await once(call(), 'first');
    // The clock has jumped, so that nobody knows whether a day has passed.
    expect((await once(call({ now: undefined, expiresAt: 9000 }), 'jumped')).done.answer).toBe('first');
    expect(await keys.prune(1999, 10)).toBe(0);
    expect((await once(call({ now: 2000, expiresAt: 3000, fingerprint: 'x'.repeat(64) }), 'second')).done.answer).toBe(
      'second',
    );
    expect((await once(call({ now: 2500, fingerprint: 'x'.repeat(64) }), 'third')).done.answer).toBe('second');
    for (let i = 0; i < 5; i += 1) await once(call({ keyHash: String(i).repeat(64) }), `more ${i}`);
    expect([await keys.prune(2000, 3), await keys.prune(2000, 3), await keys.prune(2000, 3)]).toEqual([3, 2, 0]);
    expect(await keys.prune(3000, 3)).toBe(1);
  });
});

test('while the clock cannot be believed no key is over, and none is removed', async () => {
  const clock = new HandClock();
  const idempotency = new Idempotency({ hmacKeys: [{ secret: Buffer.alloc(32) }] } as unknown as Config, clock);
  const pruned: number[] = [];
  const db = { transaction: async () => pruned.push(1) } as unknown as Database;
  idempotency.keysIn(db, 'keys_of_test');
  const prune = (): unknown => idempotency.jobs['idempotency.keys_of_test']?.();
  await prune();
  clock.ahead = 26 * 3_600_000;
  const call = asInternal(() => idempotency.callOf('A.Create', { request: { name: 'x' }, key: 'k' }));
  await prune();
  expect([call?.now, (call?.expiresAt ?? 0) - 24 * 3_600_000, pruned]).toEqual([
    undefined,
    clock.now() - clock.ahead,
    [1],
  ]);
});

test('a call is known by its key, its route and what was asked, in whatever order', () => {
  const config = { hmacKeys: [{ kid: 'default', secret: Buffer.alloc(32) }] } as unknown as Config;
  const idempotency = new Idempotency(config, new HandClock());
  const of = (route: string, key: string, request: object) =>
    asInternal(() => idempotency.callOf(route, { request, key }));
  const one = of('A.Create', 'k', { name: 'x', age: 1 });
  expect(of('A.Create', 'k', { age: 1, name: 'x' })).toEqual(one);
  expect(of('A.Create', 'k', { name: 'y', age: 1 })).toMatchObject({ keyHash: one?.keyHash });
  expect(of('A.Create', 'k', { name: 'y', age: 1 })?.fingerprint).not.toBe(one?.fingerprint);
  expect(of('B.Create', 'k', { name: 'x', age: 1 })?.keyHash).not.toBe(one?.keyHash);
  expect(of('A.Create', 'l', { name: 'x', age: 1 })?.keyHash).not.toBe(one?.keyHash);
  expect(idempotency.callOf('A.Create', { request: { name: 'x' }, key: undefined })).toBeUndefined();
  // The secret was changed, the old one is still in the ring.
  const ring = [{ kid: 'default', secret: Buffer.alloc(32, 1) }, ...config.hmacKeys];
  const later = new Idempotency({ hmacKeys: ring } as unknown as Config, new HandClock());
  const same = asInternal(() => later.callOf('A.Create', { request: { name: 'x', age: 1 }, key: 'k' }));
  expect(same).toMatchObject({ keyHash: one?.keyHash, earlier: [one?.fingerprint] });
});
