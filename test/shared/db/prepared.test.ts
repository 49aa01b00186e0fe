import type { Sql } from '../../../src/shared/db/sql';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { openAt } from './fixtures';

// What is asked all the time is parsed once, where the session is ours.

const text = 'SELECT id, points FROM things WHERE id = ?';
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

  // A plan for an empty table reads all of it: kept, it would do so until somebody analyses the table.
  test('its plan is made for the table as it is, not as it was', async () => {
    await using db = await openAt(database.url, { poolMax: 1 });
    const plans = await db.read(async (sql) => {
      for (let i = 0; i < 20; i += 1) await sql.rows(text, [String(i)]);
      return sql.rows<{ kept: number; made: number }>(
        "SELECT generic_plans AS kept, custom_plans AS made FROM pg_prepared_statements WHERE statement LIKE 'SELECT id, points%'",
      );
    });
    expect(plans).toEqual([{ kept: 0, made: 20 }]);
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
