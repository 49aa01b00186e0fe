import { inList } from '../../../src/shared/db/bulk';
import type { Sql } from '../../../src/shared/db/sql';
import { SqliteEngine } from '../../../src/shared/db/sqlite.engine';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { BetterSqlite3 } from '../../support/sqlite';
import { openAt } from './fixtures';

// What is asked all the time is parsed once, where the session is ours.

const text = 'SELECT id, points FROM things WHERE id = ?';
const list = inList(
  'postgres',
  Array.from({ length: 60 }, (_, i) => String(i)),
);
const insert = (tx: Sql) => tx.run("INSERT INTO things (id, points) VALUES ('one', 5)");
const named = async (sql: Sql) =>
  sql.rows<{ text: string; runs: number }>(
    "SELECT statement AS text, generic_plans + custom_plans AS runs FROM pg_prepared_statements WHERE statement LIKE 'SELECT id, points%'",
  );

describe('PostgreSQL', () => {
  const { create } = everyDatabase.find(({ name }) => name === 'postgres') as (typeof everyDatabase)[number];
  let database: TestDatabase;
  beforeEach(async () => {
    database = await create();
  });
  afterEach(() => database[Symbol.asyncDispose]());

  test('a connection keeps the statement, however often it is asked', async () => {
    await using db = await openAt(database.url, { poolMax: 1 });
    const kept = await db.read(async (sql) => {
      for (let i = 0; i < 8; i += 1) await sql.rows(text, [String(i)]);
      return named(sql);
    });
    expect(kept).toEqual([{ text: text.replace('?', '$1'), runs: 8 }]);
  });

  // A plan for a small table reads all of it: kept, it would do so until somebody analyses the table.
  test.each([
    ['a list', `SELECT * FROM wide WHERE id ${list.text}`, list.params],
    ['a stretch', 'SELECT * FROM wide WHERE id >= ? ORDER BY id LIMIT ?', ['7', 2]],
    ['a key', 'SELECT * FROM wide WHERE id = ?', ['7']],
  ])('what was asked while a table was small reads %s by its index once it has grown', async (_what, asked, params) => {
    await using db = await openAt(database.url, { poolMax: 1 });
    await db.transaction((tx) =>
      tx.run('CREATE TABLE wide (id text PRIMARY KEY, a text, b text, c text, d text) WITH (autovacuum_enabled = off)'),
    );
    const grow = (from: number, to: number) =>
      db.transaction((tx) =>
        tx.run(`INSERT INTO wide SELECT i::text, 'a', 'b', 'c', 'd' FROM generate_series(${from}, ${to}) AS i`),
      );
    await grow(1, 100);
    await db.read(async (sql) => {
      for (let i = 0; i < 20; i += 1) await sql.rows(asked, params);
    });
    await grow(101, 50_000);
    const [before, after] = await db.transaction(async (tx) => {
      const read = () => tx.rows("SELECT pg_stat_get_xact_tuples_returned('wide'::regclass) AS rows");
      return [await read(), await tx.rows(asked, params), await read()].filter((_, i) => i !== 1);
    });
    expect(after).toEqual(before);
  });

  test('where a pooler hands sessions on, nothing is kept', async () => {
    const url = `${database.url}?pgbouncer=true`;
    await using db = await openAt(url, { poolMax: 1 });
    expect(await db.read(async (sql) => [await sql.rows(text, ['one']), await named(sql)])).toEqual([[], []]);
  });

  test.each(['read', 'transaction'] as const)('a migration that changes a column fails no %s', async (way) => {
    await using db = await openAt(database.url, { poolMax: 2 });
    await db.transaction(insert);
    const ask = (): Promise<unknown> => db[way]((sql) => sql.rows(text, ['one']));
    for (let i = 0; i < 6; i += 1) expect(await Promise.all([ask(), ask()])).toHaveLength(2);
    await db.transaction((tx) =>
      tx.run('ALTER TABLE things ALTER COLUMN id TYPE text, ALTER COLUMN points TYPE integer'),
    );
    for (let i = 0; i < 3; i += 1)
      expect(await Promise.all([ask(), ask()])).toEqual(new Array(2).fill([{ id: 'one', points: 5 }]));
  });
});

describe('SQLite', () => {
  const engine = () => {
    const database = new BetterSqlite3(':memory:');
    database.exec("CREATE TABLE things (id TEXT); INSERT INTO things VALUES ('one')");
    return { database, engine: new SqliteEngine(database, 2) };
  };
  const all = 'SELECT * FROM things';

  test('one statement answers columns here and rows there, in any order', () => {
    const { engine: it } = engine();
    const columns = { names: ['id'], values: [['one']] };
    for (let i = 0; i < 2; i += 1) {
      expect(it.query(all, [])).toEqual({ records: [{ id: 'one' }] });
      expect(it.rows(all, [])).toEqual(columns);
    }
    expect(() => it.eachBack('INSERT INTO things VALUES (?) RETURNING length(?)', [['x']])).toThrow();
    expect(it.rows('SELECT * FROM things WHERE id = ?', ['nobody'])).toEqual({ names: ['id'], values: [[]] });
  });

  test('after a schema change, and after more statements than are kept, the columns are those of now', () => {
    const { database, engine: it } = engine();
    it.rows(all, []);
    database.exec('ALTER TABLE things ADD COLUMN points INTEGER DEFAULT 5');
    it.forget();
    expect(it.rows(all, [])).toEqual({ names: ['id', 'points'], values: [['one'], [5]] });
    for (let i = 0; i < 5; i += 1) it.rows(`SELECT ${i} AS n`, []);
    expect(it.rows(all, [])).toEqual({ names: ['id', 'points'], values: [['one'], [5]] });
  });
});
