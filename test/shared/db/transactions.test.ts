import type { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Sql } from '../../../src/shared/db/database';
import { isUniqueViolation } from '../../../src/shared/db/db.errors';
import { everyDatabase, everyServer, type TestDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { openAt } from './fixtures';

const insert = 'INSERT INTO things (id, points) VALUES (?, ?)';

async function ids(sql: Sql): Promise<string[]> {
  return (await sql.rows<{ id: string }>('SELECT id FROM things ORDER BY id')).map(({ id }) => id);
}

describe.each(everyDatabase)('transactions on $name', ({ create }) => {
  let place: TestDatabase;
  let db: Awaited<ReturnType<typeof openAt>>;
  beforeEach(async () => {
    place = await create();
    db = await openAt(place.url);
  });
  afterEach(async () => {
    await db.close();
    await place[Symbol.asyncDispose]();
  });

  test('after a write that found no room it is asked by writing, which leaves nothing behind', async () => {
    const names = () => db.read((sql) => sql.rows('SELECT id, name FROM migrations ORDER BY id'));
    const before = await names();
    for (const code of ['SQLITE_FULL', '53100', 'ER_DISK_FULL']) {
      const full = db.transaction(async () => Promise.reject(Object.assign(new Error('No room'), { code })));
      await expect(full).rejects.toMatchObject({ kind: 'unavailable' });
      expect(db.unwritable).toBe(true);
      expect(await db.read(ids)).toEqual([]);
      expect(db.unwritable).toBe(true);
      await db.ping(2000);
      expect(db.unwritable).toBe(false);
    }
    expect(await names()).toEqual(before);
  });

  test('interleaved transactions neither mix nor show what they have not committed', async () => {
    const seen: string[][] = [];
    const failing = db.transaction(async (tx) => {
      await tx.run(insert, ['a1', 1]);
      await sleep(50);
      await tx.run(insert, ['a2', 1]);
      throw new Error('back');
    });
    const passing = db.transaction(async (tx) => {
      await tx.run(insert, ['b1', 1]);
      await sleep(80);
      await tx.run(insert, ['b2', 1]);
    });
    const reading = Promise.all(
      [0, 20, 60, 200].map((ms) => sleep(ms).then(() => db.read(async (sql) => seen.push(await ids(sql))))),
    );
    await expect(failing).rejects.toThrow('back');
    await Promise.all([passing, reading]);
    for (const found of seen) expect([[], ['b1', 'b2']]).toContainEqual(found);
    expect(await db.read(ids)).toEqual(['b1', 'b2']);
  });

  test('many at once add up', async () => {
    await db.transaction((tx) => tx.run(insert, ['sum', 0]));
    const add = (tx: Sql) => tx.run('UPDATE things SET points = points + ?, hits = hits + 1 WHERE id = ?', [3, 'sum']);
    const touched = await Promise.all(Array.from({ length: 40 }, () => db.transaction(add)));
    expect(touched).toEqual(Array(40).fill(1));
    const [row] = await db.read((sql) => sql.rows('SELECT points, hits FROM things'));
    expect(row).toEqual({ points: 120, hits: 40 });
  });

  test('a second row with the same key is a unique violation, and nothing of its transaction stays', async () => {
    await db.transaction((tx) => tx.run(insert, ['x', 1]));
    const second = db.transaction(async (tx) => {
      await tx.run(insert, ['y', 1]);
      await tx.run(insert, ['x', 2]);
    });
    const error = await second.catch((reason: unknown) => reason);
    expect(isUniqueViolation(error)).toBe(true);
    expect(isUniqueViolation(new Error('x'))).toBe(false);
    expect(await db.read(ids)).toEqual(['x']);
  });

  test('a swallowed error never turns into a half-done commit', async () => {
    const swallowing = db.transaction(async (tx) => {
      await tx.run(insert, ['x', 1]);
      await tx.run(insert, ['x', 2]).catch(() => 0);
      return 'done';
    });
    const outcome = await swallowing.catch(() => 'failed');
    expect(await db.read(ids)).toEqual(outcome === 'done' ? ['x'] : []);
  });

  test('a statement that outlives its transaction is refused', async () => {
    let escaped: Sql | undefined;
    await db.transaction(async (tx) => {
      escaped = tx;
    });
    await expect(escaped?.run(insert, ['late', 1])).rejects.toThrow('outlived');
  });

  test('TypeORM works in the same transaction', async () => {
    const failing = db.transaction(async (tx) => {
      await tx.manager
        .createQueryBuilder()
        .insert()
        .into('things', ['id', 'points'])
        .values({ id: 'm', points: 1 })
        .execute();
      expect(await ids(tx)).toEqual(['m']);
      throw new Error('back');
    });
    await expect(failing).rejects.toThrow('back');
    expect(await db.read(ids)).toEqual([]);
  });

  test('a ping is answered', async () => {
    await expect(db.ping(2000)).resolves.toBeUndefined();
  });
});

describe.each(everyServer)('deadlocks on $name', ({ create }) => {
  test('both transactions of a real deadlock pass in the end', async () => {
    await using place = await create();
    await using db = await openAt(place.url);
    await db.transaction(async (tx) => {
      await tx.run(insert, ['a', 0]);
      await tx.run(insert, ['b', 0]);
    });
    let tries = 0;
    const holding = new Set<string>();
    const crossing = (first: string, second: string) =>
      db.transaction(async (tx) => {
        tries += 1;
        await tx.run('UPDATE things SET points = points + 1 WHERE id = ?', [first]);
        holding.add(first);
        await eventually(async () => expect(holding.size).toBe(2));
        await tx.run('UPDATE things SET points = points + 1 WHERE id = ?', [second]);
      });
    await Promise.all([crossing('a', 'b'), crossing('b', 'a')]);
    expect(tries).toBeGreaterThan(2);
    const rows = await db.read((sql) => sql.rows<{ points: number }>('SELECT points FROM things ORDER BY id'));
    expect(rows).toEqual([{ points: 2 }, { points: 2 }]);
  });
});

test.each(everyServer)(
  'a connection to $name that was lent a hundred times has no more listeners',
  async ({ create }) => {
    await using place = await create();
    await using db = await openAt(place.url, { poolMax: 1 });
    const listeners = (): Promise<number> =>
      db.transaction(async ({ manager }) => {
        const { databaseConnection } = manager.queryRunner as unknown as { databaseConnection: EventEmitter };
        return databaseConnection.listenerCount('error');
      });
    const before = await listeners();
    for (let i = 0; i < 100; i += 1) await db.transaction((tx) => tx.rows('SELECT 1'));
    expect(await listeners()).toBe(before);
  },
);
