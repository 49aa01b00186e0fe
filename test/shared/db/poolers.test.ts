import { Client } from 'pg';
import { insertNew } from '../../../src/shared/db/bulk';
import { isUniqueViolation } from '../../../src/shared/db/db.errors';
import { everyDatabase } from '../../support/databases';
import { patiently } from '../../support/patiently';
import { type PoolMode, startPgbouncer } from '../../support/pgbouncer';
import { createDatabase, type DatabaseServer, dropDatabase } from '../../support/servers';
import { databaseAt, migrations, openAt, things } from './fixtures';

// Behind a connection pooler a session is ours for one transaction, or we do not know for how long.

const names = migrations.map(({ name }) => name);
const postgres = everyDatabase.find(({ name }) => name === 'postgres');
const rowsOf = (from: string, count: number) =>
  Array.from({ length: count }, (_, i) => [`${from}-${i}`, null, i] as const);

/** Asks PostgreSQL itself. */
async function directly<T>(url: string, text: string): Promise<T[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query(text);
  await client.end();
  return rows as T[];
}

// Other suites have databases of their own on this server.
const advisoryLocks = `SELECT 1 FROM pg_locks WHERE locktype = 'advisory'
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

describe.each<PoolMode>(['transaction', 'session'])('PgBouncer in %s mode', (mode) => {
  const server = process.env.TEST_POSTGRES_URL ?? '';
  // In session mode every client that is connected has one for itself.
  const size = mode === 'transaction' ? 3 : 30;
  let direct: string;
  let pooler: DatabaseServer;
  beforeEach(async () => {
    direct = await createDatabase(server);
    pooler = await startPgbouncer(direct, mode, size);
  });
  afterEach(async () => {
    await pooler[Symbol.asyncDispose]();
    await dropDatabase(server, direct);
  });

  test('migrations run once, whoever comes first, and leave no lock behind', async () => {
    for (const round of [1, 2]) {
      const starters = Array.from({ length: 5 }, () => databaseAt(pooler.url, { poolMax: 1 }));
      await Promise.all(starters.map((database) => database.connect()));
      const ran = await Promise.all(starters.map((database) => database.migrate()));
      expect(ran.flat().sort()).toEqual(round === 1 ? [...names].sort() : []);
      expect(await directly(direct, advisoryLocks)).toEqual([]);
      for (const database of starters) await database.close();
    }
  });

  test('many write at once over few connections, and nothing fails', async () => {
    await using one = await openAt(pooler.url, { poolMax: 10 });
    await using other = await openAt(pooler.url, { poolMax: 10 });
    const write = (i: number) =>
      (i % 2 === 0 ? one : other).transaction(async (tx) => {
        const fresh = await insertNew(tx, { ...things, rows: rowsOf(`new-${i}`, 3), groupId: i });
        // Once, also where it was too late for its writer and is run again.
        if (fresh.size > 0) await tx.upsertRows({ ...things, add: ['points'], set: [], rows: [['all', null, 1]] });
        return tx.rows('SELECT id FROM things WHERE id = ?', [`new-${i}-0`]);
      });
    const work = Array.from({ length: 400 }, (_, i) => patiently(() => write(i)));
    expect((await Promise.allSettled(work)).filter(({ status }) => status === 'rejected')).toEqual([]);
    expect(await directly(direct, "SELECT points FROM things WHERE id = 'all'")).toEqual([{ points: '400' }]);
    await patiently(() => one.ping(1000));
  });

  test('limits hold within a transaction and do not outlast it', async () => {
    await using database = await openAt(pooler.url, { queryTimeoutMs: 4000, poolMax: 1 });
    const limits = (sql: { rows<T>(text: string): Promise<T[]> }) =>
      sql.rows("SELECT current_setting('statement_timeout') AS statement, current_setting('lock_timeout') AS lock");
    expect(await database.transaction(limits)).toEqual([{ statement: '4s', lock: '3200ms' }]);
    expect(await database.read(limits)).toEqual([{ statement: '0', lock: '0' }]);
  });
});

describe('a pooler that nobody noticed at the start', () => {
  test.each([
    ['has given the name of a statement to another', 'PREPARE aerie_0 AS SELECT 1'],
    ['has given the session of a statement to another', 'DEALLOCATE ALL'],
  ])('and that %s: the transaction is run again', async (_name, statement) => {
    if (!postgres) throw new Error('There is no PostgreSQL');
    await using place = await postgres.create();
    await using database = await openAt(place.url, { poolMax: 1 });
    const insert = (from: string) =>
      database.transaction((tx) => insertNew(tx, { ...things, rows: rowsOf(from, 2), groupId: 1 }));
    if (statement.startsWith('DEALLOCATE')) await insert('first');
    await database.read(async (sql) => {
      await sql.run('DEALLOCATE ALL');
      if (statement.startsWith('PREPARE'))
        for (let i = 0; i < 20; i += 1) await sql.run(`PREPARE aerie_${i} AS SELECT 1`);
    });
    expect((await insert('second')).size).toBe(2);
    expect((await insert('third')).size).toBe(2);
  });
});

describe.each(everyDatabase)('$name', ({ create }) => {
  test('is not healthy while most of what is written fails, and is again when it does not', async () => {
    await using place = await create();
    await using database = await openAt(place.url);
    const broken = () => database.transaction((tx) => tx.run('INSERT INTO nothing_like_this VALUES (1)'));
    const good = () => database.transaction((tx) => tx.run('UPDATE things SET points = 1'));
    for (let i = 0; i < 4; i += 1) await good();
    await patiently(() => database.ping(1000));
    for (let i = 0; i < 9; i += 1) await expect(broken()).rejects.toThrow();
    await expect(database.ping(1000)).rejects.toMatchObject({ kind: 'unavailable' });
    expect(database.unwritable).toBe(true);
    for (let i = 0; i < 9; i += 1) await good();
    await patiently(() => database.ping(1000));
    expect(database.unwritable).toBe(false);
  });

  test('stays healthy while callers only ask for what cannot be', async () => {
    await using place = await create();
    await using database = await openAt(place.url);
    await database.transaction((tx) => insertNew(tx, { ...things, rows: rowsOf('one', 1), groupId: 1 }));
    const again = () => database.transaction((tx) => tx.run("INSERT INTO things (id, points) VALUES ('one-0', 1)"));
    for (let i = 0; i < 30; i += 1) expect(await again().catch(isUniqueViolation)).toBe(true);
    class Rehearsed extends Error {}
    const rehearse = () => Promise.reject(new Rehearsed());
    for (let i = 0; i < 30; i += 1) await expect(database.transaction(rehearse)).rejects.toThrow(Rehearsed);
    await patiently(() => database.ping(1000));
  });
});
