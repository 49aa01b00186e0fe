import { inList } from '../../../src/shared/db/bulk';
import type { Sql } from '../../../src/shared/db/database';
import { CommitUnknownError, isUniqueViolation } from '../../../src/shared/db/db.errors';
import { everyDatabase, everyServer, type TestDatabase } from '../../support/databases';
import { startSilentProxy } from '../../support/silent-proxy';
import { openAt } from './fixtures';

const insert = 'INSERT INTO things (id, note, points) VALUES (?, ?, ?)';

async function ids(sql: Sql): Promise<string[]> {
  return (await sql.rows<{ id: string }>('SELECT id FROM things ORDER BY id')).map(({ id }) => id);
}

describe.each(everyDatabase)('what is posted on $name', ({ create }) => {
  let place: TestDatabase;
  let db: Awaited<ReturnType<typeof openAt>>;
  beforeEach(async () => {
    place = await create();
    db = await openAt(place.url, { poolMax: 1 });
  });
  afterEach(async () => {
    await db.close();
    await place[Symbol.asyncDispose]();
  });

  test('is run in its place, whatever is in it and whatever comes behind', async () => {
    const notes = ["it's ? and ??; COMMIT; --", '\\', '"$1"', null];
    const seen = await db.transaction(async (tx) => {
      for (const [i, note] of notes.entries()) await tx.post(insert, [`a${i}`, note, i]);
      const before = await tx.rows('SELECT note, points FROM things WHERE points < ? ORDER BY id', [9]);
      await tx.post('UPDATE things SET points = points + ? WHERE id = ?', [10, 'a0']);
      const through = await tx.manager.query("SELECT points FROM things WHERE id = 'a0'");
      await tx.post(insert, ['last', '?', 0]);
      return { before, through };
    });
    expect(seen.before).toEqual(notes.map((note, points) => ({ note, points })));
    expect(Number(seen.through[0].points)).toBe(10);
    expect(await db.read(ids)).toEqual(['a0', 'a1', 'a2', 'a3', 'last']);
  });

  test.each([
    ['the COMMIT', async () => undefined],
    ['the next statement', async (tx: Sql) => void (await tx.rows('SELECT id FROM things'))],
    ['what is posted next', (tx: Sql) => tx.post(insert, ['b', null, 0])],
  ])('fails the transaction by its own error before %s, and nothing stays', async (_name, next) => {
    await db.transaction((tx) => tx.post(insert, ['twice', null, 1]));
    const failing = db.transaction(async (tx) => {
      await tx.run(insert, ['a', null, 0]);
      await tx.post(insert, ['twice', null, 2]);
      await next(tx);
    });
    const error: unknown = await failing.catch((reason: unknown) => reason);
    expect(isUniqueViolation(error)).toBe(true);
    expect(await db.read(ids)).toEqual(['twice']);
    await db.transaction((tx) => tx.post(insert, ['well', null, 3]));
    expect(await db.read(ids)).toEqual(['twice', 'well']);
  });

  test('is undone with a transaction that fails for another reason', async () => {
    const failing = db.transaction(async (tx) => {
      await tx.post(insert, ['a', null, 0]);
      throw new Error('back');
    });
    await expect(failing).rejects.toThrow('back');
    expect(await db.read(ids)).toEqual([]);
  });
});

describe.each(everyServer)('what is posted on $name', ({ name, create }) => {
  test('and meets a conflict is run again with its transaction', async () => {
    await using place = await create();
    await using db = await openAt(place.url);
    const conflict = {
      postgres: "DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$",
      mysql: "SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213",
    }[name as 'postgres' | 'mysql'];
    let runs = 0;
    await db.transaction(async (tx) => {
      runs += 1;
      await tx.run(insert, [`run-${runs}`, null, 0]);
      if (runs < 3) await tx.post(conflict);
    });
    expect(await db.read(ids)).toEqual(['run-3']);
  });

  test('goes in one packet with the COMMIT, as BEGIN does with the first statement', async () => {
    await using place = await create();
    const direct = new URL(place.url);
    await using proxy = await startSilentProxy(Number(direct.port));
    direct.port = String(proxy.port);
    await using db = await openAt(direct.href, { poolMin: 1, poolMax: 1 });
    const work = async (id: string) => {
      const before = proxy.packets();
      await db.transaction(async (tx) => {
        await tx.rows('SELECT id FROM things FOR UPDATE');
        await tx.post(insert, [id, null, 0]);
        await tx.post(insert, [`${id}-2`, null, 0]);
      });
      return proxy.packets() - before;
    };
    await work('first');
    expect(await work('second')).toBe(2);
    proxy.loseNextCommit();
    await expect(work('third')).rejects.toBeInstanceOf(CommitUnknownError);
    expect(await db.read(ids)).toEqual(['first', 'first-2', 'second', 'second-2', 'third', 'third-2']);
  });
});

describe.each(everyServer.filter(({ name }) => name === 'postgres'))('prepared statements on $name', ({ create }) => {
  const count = 'SELECT COUNT(*) AS n FROM pg_prepared_statements';

  test('a list has one text, however long it is, and texts are not prepared without end', async () => {
    await using place = await create();
    await using db = await openAt(place.url, { poolMax: 1 });
    const prepared = async () => (await db.read((sql) => sql.rows<{ n: number }>(count)))[0]?.n ?? 0;
    const find = (values: readonly string[]) => {
      const list = inList(db.kind, values);
      return db.read((sql) => sql.rows(`SELECT id FROM things WHERE id ${list.text}`, list.params));
    };
    await find(['one']);
    const before = await prepared();
    for (const length of [0, 2, 17, 3000]) await find(Array.from({ length }, (_, i) => `id-${i}`));
    expect(await prepared()).toBe(before);
    for (let i = 0; i < 400; i += 1) await db.read((sql) => sql.rows(`SELECT ${i} AS n`));
    const kept = await prepared();
    expect(kept).toBeGreaterThan(before);
    expect(kept).toBeLessThanOrEqual(300);
  });

  test('a table that was changed under them costs no caller anything', async () => {
    await using place = await create();
    await using db = await openAt(place.url, { poolMin: 4, poolMax: 4 });
    const all = 'SELECT * FROM things WHERE points >= ?';
    const everywhere = () =>
      Promise.all(Array.from({ length: 12 }, () => db.transaction((tx) => tx.rows<{ more: number }>(all, [0]))));
    await db.transaction((tx) => tx.run(insert, ['a', null, 1]));
    await everywhere();
    await db.read((sql) => sql.run('ALTER TABLE things ADD COLUMN more BIGINT DEFAULT 7'));
    for (const rows of await everywhere()) expect(rows).toMatchObject([{ id: 'a', more: 7 }]);
  });
});
