import { spawnSync } from 'node:child_process';
import { existsSync, realpathSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseDatabaseUrl } from '../../../src/shared/config/database-url';
import { claimFile, fileBeside } from '../../../src/shared/db/sqlite.claim';
import { sqliteDriver } from '../../../src/shared/db/sqlite.driver';
import { everyDatabase } from '../../support/databases';
import { patiently } from '../../support/patiently';
import { BetterSqlite3 } from '../../support/sqlite';
import { databaseAt, openAt } from './fixtures';

const create = () => everyDatabase[0]!.create();

describe('SQLite', () => {
  test('makes the folder of its file', async () => {
    await using place = await create();
    const path = join(place.url.slice('sqlite:'.length), '..', 'deep', 'er', 'aerie.db');
    await using db = await openAt(`sqlite:${path}`);
    expect(db.embedded).toBe(true);
    expect(existsSync(path)).toBe(true);
  });

  test('lives in memory when asked to', async () => {
    await using db = await openAt('sqlite::memory:');
    expect(await db.transaction((tx) => tx.run("INSERT INTO things (id, points) VALUES ('a', 1)"))).toBe(1);
  });

  test.each([true, false])('every COMMIT is synced, but for background work (in this thread: %s)', async (here) => {
    await using place = await create();
    await using db = await openAt(place.url, { here });
    const level = (priority: 'normal' | 'background') =>
      db.transaction((tx) => tx.rows<{ synchronous: number }>('PRAGMA synchronous'), { priority });
    const found = [await level('normal'), await level('background'), await level('normal')];
    expect(found.flat()).toEqual([{ synchronous: 2 }, { synchronous: 1 }, { synchronous: 2 }]);
  });

  test('two processes write in turns', async () => {
    await using place = await create();
    await using one = await openAt(place.url);
    await using two = await openAt(place.url);
    await one.transaction((tx) => tx.run("INSERT INTO things (id, points) VALUES ('a', 0)"));
    let tries = 0;
    const add = (i: number) =>
      (i % 2 ? one : two).transaction(async (tx) => {
        tries += 1;
        const [row] = await tx.rows<{ points: number }>('SELECT points FROM things');
        await sleep(1);
        await tx.run('UPDATE things SET points = ?', [(row?.points ?? 0) + 1]);
      });
    await Promise.all(Array.from({ length: 60 }, (_, i) => add(i)));
    // A transaction that took its write lock only when it writes would have to run again.
    expect(tries).toBe(60);
    expect(await two.read((sql) => sql.rows('SELECT points FROM things'))).toEqual([{ points: 60 }]);
  });

  test('a writer that never ends makes others unavailable, in time', async () => {
    await using place = await create();
    await using one = await openAt(place.url);
    await using two = await openAt(place.url, { queryTimeoutMs: 300 });
    await one.transaction(async (tx) => {
      await tx.run("INSERT INTO things (id, points) VALUES ('a', 0)");
      const other = two.transaction((own) => own.run('UPDATE things SET points = 1'));
      await expect(other).rejects.toMatchObject({ kind: 'unavailable' });
    });
    await patiently(() => two.transaction((own) => own.run('UPDATE things SET points = 1')));
  });

  test('a link to a file that is not there yet is the file: one lock, one place for what is kept apart', async () => {
    await using place = await create();
    const file = place.url.slice('sqlite:'.length);
    const link = file.replace('aerie.db', 'link.db');
    symlinkSync('aerie.db', link);
    expect(fileBeside(link, 'events')).toBe(fileBeside(file, 'events'));
    const release = claimFile(link, BetterSqlite3);
    expect(existsSync(`${realpathSync(dirname(file))}/aerie.db.lock`)).toBe(true);
    release();
  });

  test('without its compiled driver says what to do', async () => {
    jest.doMock(sqliteDriver, () => {
      throw new Error('Could not locate the bindings file');
    });
    try {
      const database = databaseAt('sqlite::memory:');
      await expect(database.connect()).rejects.toThrow(/install a C\+\+ compiler.*or set DATABASE_URL/);
    } finally {
      jest.dontMock(sqliteDriver);
    }
  });
});

// better-sqlite3 12 aborts on Node 24.19 and later when its objects are collected, 13 crashes on Node 20 at once.
test('the driver of this Node survives that its databases and statements are collected as garbage', () => {
  const script = `
    const Database = require(${JSON.stringify(require.resolve(sqliteDriver))});
    let rounds = 0;
    const timer = setInterval(() => {
      for (let i = 0; i < 200; i += 1) {
        const database = new Database(':memory:');
        for (let k = 0; k < 10; k += 1) database.prepare('SELECT ' + k).all();
        database.close();
      }
      Array.from({ length: 200_000 }, (_, i) => ({ i }));
      if ((rounds += 1) === 25) clearInterval(timer);
    }, 5);`;
  const { status, signal } = spawnSync(process.execPath, ['-e', script]);
  expect([status, signal]).toEqual([0, null]);
});

describe('a database URL', () => {
  test.each([
    ['sqlite:.data/aerie.db', { kind: 'sqlite', path: '.data/aerie.db' }],
    ['sqlite:/var/a.db', { kind: 'sqlite', path: '/var/a.db' }],
    ['sqlite:///var/a.db', { kind: 'sqlite', path: '/var/a.db' }],
    ['sqlite::memory:', { kind: 'sqlite', path: ':memory:' }],
    [
      'postgresql://u:p%40ss@db/x',
      { kind: 'postgres', host: 'db', port: 5432, username: 'u', password: 'p@ss', database: 'x', tls: false },
    ],
    [
      'mariadb://u@[::1]:3307/x?sslmode=verify-ca',
      { kind: 'mysql', host: '::1', port: 3307, tls: { rejectUnauthorized: true } },
    ],
  ])('%s is understood', (url, parts) => {
    expect(parseDatabaseUrl(url)).toMatchObject(parts);
  });

  test.each(['', 'sqlite:', 'oracle://secret@x/y', 'secret'])('%s is refused without being shown', (url) => {
    expect(() => parseDatabaseUrl(url)).toThrow(/^(?!.*secret).*begins with sqlite:/);
  });
});
