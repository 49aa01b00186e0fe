import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../../../src/shared/db/database';
import { CommitUnknownError } from '../../../src/shared/db/db.errors';
import { settlesAtOnce } from '../../support/at-once';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { openAt } from './fixtures';

// The one connection that writes to a SQLite file works on a thread of its own.

const slowly = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
  UPDATE things SET points = points + (SELECT COUNT(*) FROM n)`;
const idsOf = (db: Database) => db.read((sql) => sql.rows<{ id: string }>('SELECT id FROM things ORDER BY id'));
const insert = (id: string) => `INSERT INTO things (id, points) VALUES ('${id}', 0)`;

/** The thread ends at once, as it does when it has no memory left. */
async function endThread(db: Database): Promise<void> {
  const { writer } = db.dialect as unknown as { writer: { worker?: { terminate(): Promise<number> } } };
  await writer.worker?.terminate();
}

let place: TestDatabase;
let db: Database & AsyncDisposable;

beforeEach(async () => {
  place = await everyDatabase[0]!.create();
  db = await openAt(place.url);
});
afterEach(async () => {
  await db[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
});

test('this thread goes on while a statement writes', async () => {
  await db.transaction((tx) => tx.run(insert('a')));
  const written = db.transaction((tx) => tx.run(slowly, [5_000_000]));
  expect(await settlesAtOnce(written, 20)).toBe(false);
  expect(await written).toBe(1);
});

test('what is read beside it sees all that was committed, and nothing else', async () => {
  await db.transaction(async (tx) => {
    await tx.run(insert('a'));
    expect(await idsOf(db)).toEqual([]);
    await tx.manager.query(insert('b'));
    expect(await tx.manager.query('SELECT id FROM things ORDER BY id')).toEqual([{ id: 'a' }, { id: 'b' }]);
  });
  expect(await idsOf(db)).toEqual([{ id: 'a' }, { id: 'b' }]);
});

test('what is borrowed to read cannot write', async () => {
  await expect(db.read((sql) => sql.run(insert('a')))).rejects.toMatchObject({ kind: 'unavailable' });
  await expect(db.read((sql) => sql.manager.query(insert('a')))).rejects.toMatchObject({ kind: 'unavailable' });
  expect(await idsOf(db)).toEqual([]);
});

test('when the thread ends in a transaction, nothing of it stays, and what comes behind goes on', async () => {
  const broken = db.transaction(async (tx) => {
    await tx.run(insert('a'));
    await endThread(db);
    // On the next thread it would be a transaction of its own.
    await tx.run(insert('b'));
  });
  await expect(broken).rejects.toMatchObject({ kind: 'unavailable' });
  await db.transaction((tx) => tx.run(insert('c')));
  expect(await idsOf(db)).toEqual([{ id: 'c' }]);
});

test('when the thread ends before COMMIT has an answer, nobody knows', async () => {
  const lost = db.transaction(async (tx) => {
    await tx.run(insert('a'));
    await endThread(db);
  });
  await expect(lost).rejects.toBeInstanceOf(CommitUnknownError);
});

test('a statement that takes too long is given up and undone, before the next one has its turn', async () => {
  await db.transaction((tx) => tx.run(insert('a')));
  await using hasty = await openAt(place.url, { queryTimeoutMs: 400 });
  const slow = hasty.transaction((tx) => tx.run(slowly, [20_000_000]));
  await expect(slow).rejects.toMatchObject({ kind: 'unavailable' });
  const patient = async (): Promise<number> => {
    for (let tries = 0; ; tries += 1) {
      try {
        return await hasty.transaction((tx) => tx.run("UPDATE things SET note = 'next' WHERE points = 0"));
      } catch (error) {
        if (tries > 100) throw error;
        await sleep(50);
      }
    }
  };
  expect(await patient()).toBe(1);
});
