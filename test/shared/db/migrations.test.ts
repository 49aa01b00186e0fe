import { setTimeout as sleep } from 'node:timers/promises';
import { TableIndex } from 'typeorm';
import { bigint } from '../../../src/shared/db/columns';
import { Databases } from '../../../src/shared/db/databases';
import { addColumn, addIndex } from '../../../src/shared/db/table.migration';
import { everyDatabase, everyServer } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { databaseAt, migrations, openAt } from './fixtures';

const names = migrations.map(({ name }) => name);
const limits = { poolMin: 1, poolMax: 4, connectTimeoutMs: 5000, queryTimeoutMs: 5000 };

class Gate {
  open: () => void = () => undefined;
  readonly opened = new Promise<void>((resolve) => {
    this.open = resolve;
  });
}

describe.each(everyDatabase)('migrations on $name', ({ create }) => {
  test('are pending, then run once by whoever comes first', async () => {
    await using place = await create();
    const starters = Array.from({ length: 5 }, () => databaseAt(place.url, { poolMax: 1 }));
    await Promise.all(starters.map((database) => database.connect()));
    expect(await starters[0]?.pendingMigrations()).toEqual(names);
    const ran = await Promise.all(starters.map((database) => database.migrate()));
    expect(ran.flat().sort()).toEqual([...names].sort());
    expect(await starters[1]?.pendingMigrations()).toEqual([]);
    // The connection that migrated is as good as any afterwards.
    for (const database of starters) {
      await database.transaction((tx) => tx.run('UPDATE things SET points = 1'));
      await database.close();
    }
  });

  test('one that fails is pending still, and the next start runs it', async () => {
    await using place = await create();
    class Fails1700000000009 {
      static broken = true;
      async up(): Promise<void> {
        if (Fails1700000000009.broken) throw new Error('no room');
      }
      async down(): Promise<void> {}
    }
    const database = databaseAt(place.url, { migrations: [...migrations, Fails1700000000009] });
    await database.connect();
    await expect(database.migrate()).rejects.toThrow('no room');
    expect(await database.pendingMigrations()).toContain('Fails1700000000009');
    Fails1700000000009.broken = false;
    expect(await database.migrate()).toContain('Fails1700000000009');
    expect(await database.pendingMigrations()).toEqual([]);
    await database.close();
  });

  test('features that name one URL share one database and its migrations', async () => {
    await using place = await create();
    await using elsewhere = await create();
    const [first, second] = migrations;
    const databases = new Databases(limits);
    databases.register('one', place.url, [], first ? [first] : []);
    databases.register('two', place.url, [], second ? [second] : []);
    databases.register('three', elsewhere.url, [], []);
    await databases.connectAll();
    expect(databases.of('one')).toBe(databases.of('two'));
    expect(databases.of('three')).not.toBe(databases.of('one'));
    expect(await databases.pendingMigrations()).toEqual(names);
    expect(await databases.migrateAll()).toEqual(names);
    await databases.pingAll(2000);
    expect(() => databases.of('four')).toThrow('four');
    await databases.closeAll();
    await expect(databases.of('one').ping(2000)).rejects.toMatchObject({ kind: 'unavailable' });
  });
});

describe.each(everyServer)('a table in use on $name', ({ create }) => {
  test('is waited for without keeping others from it, and the migrations before it stand', async () => {
    await using place = await create();
    await using old = await openAt(place.url);
    const column = (table: string, name: string) =>
      addColumn(name, table, (type) => bigint(type, 'added', { default: 0 }));
    const newer = [column('pairs', 'AddPairs1700000000010'), column('things', 'AddThings1700000000011')];
    const database = databaseAt(place.url, { migrations: [...migrations, ...newer] });
    await database.connect();
    const [read, letGo] = [new Gate(), new Gate()];
    const user = old.transaction(async (tx) => {
      await tx.rows('SELECT id FROM things');
      read.open();
      await letGo.opened;
    });
    await read.opened;
    const migrating = database.migrate();
    // Longer than a statement may take: whoever came behind a change that waits on would fail.
    const until = performance.now() + 7000;
    while (performance.now() < until) {
      await old.transaction((tx) => tx.run("INSERT INTO things (id, points) VALUES ('a', 1)"));
      await old.transaction((tx) => tx.run("DELETE FROM things WHERE id = 'a'"));
      await sleep(20);
    }
    expect(await database.pendingMigrations()).toEqual(['AddThings1700000000011']);
    letGo.open();
    await user;
    expect(await migrating).toEqual(['AddPairs1700000000010', 'AddThings1700000000011']);
    await database.close();
  });
});

test('an index is made on PostgreSQL while others write: nobody waits for it, and one that was cut off is made anew', async () => {
  await using place = await everyServer.find(({ name }) => name === 'postgres')!.create();
  await using old = await openAt(place.url);
  const index = new TableIndex({ name: 'things_points', columnNames: ['points'], where: 'points > 0' });
  const once = new TableIndex({ name: 'things_once', columnNames: ['points', 'id'], isUnique: true });
  const newer = [
    addIndex('IndexThings1700000000012', 'things', index),
    addIndex('IndexThingsOnce1700000000013', 'things', once),
  ];
  const database = databaseAt(place.url, { migrations: [...migrations, ...newer] });
  await database.connect();
  const [wrote, letGo] = [new Gate(), new Gate()];
  const user = old.transaction(async (tx) => {
    await tx.run("INSERT INTO things (id, points) VALUES ('kept', 1)");
    wrote.open();
    await letGo.opened;
  });
  await wrote.opened;
  const ask = <T>(text: string): Promise<T[]> => old.read((sql) => sql.rows<T>(text));
  const migrating = database.migrate();
  const activity =
    "SELECT pid FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONCURRENTLY%' AND state = 'active'";
  const refused = "SELECT mode FROM pg_locks WHERE NOT granted AND relation = 'things'::regclass";
  await eventually(async () => expect(await ask(activity)).toHaveLength(1));
  await old.transaction((tx) => tx.run("INSERT INTO things (id, points) VALUES ('a', 1)"));
  expect(await ask(refused)).toEqual([]);
  // As if the process had died: half an index is left.
  await ask(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONCURRENTLY%' AND state = 'active'",
  );
  await expect(migrating).rejects.toMatchObject({ kind: 'unavailable' });
  // Another process waits for its turn, as when a system of several starts: nobody waits for that one in turn.
  const other = databaseAt(place.url, { migrations: [...migrations, ...newer] });
  const again = Promise.all([database.migrate(), other.connect().then(() => other.migrate())]);
  letGo.open();
  await user;
  expect((await again).flat().sort()).toEqual(['IndexThings1700000000012', 'IndexThingsOnce1700000000013']);
  const valid = await ask("SELECT indisvalid AS valid FROM pg_index WHERE indexrelid = 'things_points'::regclass");
  expect(valid).toEqual([{ valid: true }]);
  await other.close();
  await database.close();
});

test('foreign keys hold on SQLite after a migration', async () => {
  const sqlite = everyDatabase[0];
  await using place = await sqlite!.create();
  await using db = await openAt(place.url);
  const pragma = (name: string) => db.transaction((tx) => tx.rows(`PRAGMA ${name}`));
  expect(await pragma('foreign_keys')).toEqual([{ foreign_keys: 1 }]);
  expect(await pragma('journal_mode')).toEqual([{ journal_mode: 'wal' }]);
  expect(await pragma('synchronous')).toEqual([{ synchronous: 2 }]);
});
