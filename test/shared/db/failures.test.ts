import { setTimeout as sleep } from 'node:timers/promises';
import { insertNew } from '../../../src/shared/db/bulk';
import type { Database, DatabaseOptions, Sql } from '../../../src/shared/db/database';
import { CommitUnknownError } from '../../../src/shared/db/db.errors';
import { eventually } from '../../support/eventually';
import { patiently } from '../../support/patiently';
import { createDatabase, startMariadb, startPostgres } from '../../support/servers';
import { startSilentProxy } from '../../support/silent-proxy';
import { databaseAt, openAt, things } from './fixtures';

const unavailable = expect.objectContaining({ kind: 'unavailable' });
const limit = { queryTimeoutMs: 1000, connectTimeoutMs: 1000 };
const insert = (id: string) => (tx: Sql) => tx.run('INSERT INTO things (id, points) VALUES (?, 1)', [id]);
const ids = async (sql: Sql) =>
  (await sql.rows<{ id: string }>('SELECT id FROM things ORDER BY id')).map(({ id }) => id);

/** A database whose limits are short; its tables were made without any hurry. */
async function openHastily(url: string, more: Partial<DatabaseOptions> = {}) {
  await (await openAt(url)).close();
  return patiently(() => openAt(url, { ...limit, ...more }));
}

/** The row is there, once, also where its writer had to try again on a busy machine. */
const write = (db: Database, id: string) =>
  patiently(() => db.transaction((tx) => insertNew(tx, { ...things, rows: [[id, null, 1]], groupId: 1 })));
const idsIn = (db: Database) => patiently(() => db.read(ids));

function failureOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => 'passed',
    (reason: unknown) => reason,
  );
}

async function everyCallFails(db: Database): Promise<void> {
  const calls = [
    db.transaction(insert('lost')),
    db.read(ids),
    db.ping(500),
    ...Array.from({ length: 20 }, () => db.read(ids)),
  ];
  for (const error of await Promise.all(calls.map(failureOf))) expect(error).toEqual(unavailable);
}

describe.each([
  { name: 'postgres', start: startPostgres },
  { name: 'mysql', start: startMariadb },
])('a failing $name', ({ start }) => {
  test('killed: unavailable at once, well again when it is back', async () => {
    await using server = await start();
    await using db = await openHastily(await createDatabase(server.url));
    await Promise.all(Array.from({ length: 5 }, (_, i) => write(db, `before-${i}`)));
    const open = db.transaction(async (tx) => {
      await insert('open')(tx);
      await server.kill();
      await sleep(100);
      await insert('open-2')(tx);
    });
    await expect(open).rejects.toEqual(unavailable);
    await everyCallFails(db);
    await server.restart();
    await eventually(() => write(db, 'z-after'));
    expect(await idsIn(db)).toEqual([...Array.from({ length: 5 }, (_, i) => `before-${i}`), 'z-after']);
  });

  test('frozen: an error, well again when it goes on', async () => {
    await using server = await start();
    // A pool of one: a connection that is not destroyed would be missing for ever.
    await using db = await openHastily(await createDatabase(server.url), { poolMin: 1, poolMax: 1 });
    await write(db, 'before');
    const committing = db.transaction(async (tx) => {
      await insert('unknown')(tx);
      server.freeze();
    });
    expect(await failureOf(committing)).toBeInstanceOf(CommitUnknownError);
    await everyCallFails(db);
    server.resume();
    await eventually(() => write(db, 'z-after'));
    expect(await idsIn(db)).toEqual(expect.arrayContaining(['before', 'z-after']));
  });

  test('not there: connect says unavailable; a wrong password is told as it is', async () => {
    await using server = await start();
    const wrong = new URL(server.url);
    wrong.pathname = '/nowhere';
    await expect(databaseAt(wrong.href, limit).connect()).rejects.toThrow(/nowhere/);
    await server.kill();
    await expect(databaseAt(server.url, limit).connect()).rejects.toEqual(unavailable);
  });

  test('the answer to COMMIT is lost: said so, and the group can be read back', async () => {
    await using server = await start();
    await using proxy = await startSilentProxy(server.port);
    const url = new URL(await createDatabase(server.url));
    url.port = String(proxy.port);
    await using db = await openHastily(url.href);
    const rows = [
      ['a', null, 1],
      ['b', null, 2],
    ];
    proxy.loseNextCommit();
    const lost = db.transaction((tx) => insertNew(tx, { ...things, rows, groupId: 77 }));
    await expect(lost).rejects.toBeInstanceOf(CommitUnknownError);
    const ofGroup = 'SELECT id FROM things WHERE group_id = 77 ORDER BY id';
    expect(await patiently(() => db.read((sql) => sql.rows(ofGroup)))).toEqual([{ id: 'a' }, { id: 'b' }]);
    await write(db, 'c');
    expect(await idsIn(db)).toEqual(['a', 'b', 'c']);
  });
});
