import { stat } from 'node:fs/promises';
import { insertNew } from '../../../src/shared/db/bulk';
import { everyDatabase } from '../../support/databases';
import { openAt, things } from './fixtures';

// SQLite's write-ahead log: it is emptied beside the writers, on another thread, and stays bounded while they go on.

const [sqlite] = everyDatabase;
const rowsAtOnce = 1000;
const mb = 1024 * 1024;

function group(number: number): [string, string, number][] {
  return Array.from({ length: rowsAtOnce }, (_, i) => [crypto.randomUUID(), 'x'.repeat(500), number + i]);
}

test('the log stays bounded while writers never rest, nothing fails, and every row is there', async () => {
  await using place = await sqlite!.create();
  const trouble: string[] = [];
  const db = await openAt(place.url, { trouble: (error, event) => trouble.push(`${event} ${error}`) });
  const log = `${place.url.slice('sqlite:'.length)}-wal`;
  let written = 0;
  let largest = 0;
  // Every row is on a page of its own by then: some 400 MB of log if it were never begun anew.
  for (let groups = 0; groups < 80; groups += 1) {
    await db.transaction((tx) => insertNew(tx, { ...things, rows: group(groups), groupId: groups }));
    written += rowsAtOnce;
    // As long as callers need between their transactions.
    await new Promise((resolve) => setTimeout(resolve, 20));
    largest = Math.max(largest, (await stat(log)).size);
  }
  expect(largest).toBeGreaterThan(10 * mb);
  expect(largest).toBeLessThan(150 * mb);
  expect(await db.scan('SELECT COUNT(*) AS rows FROM things')).toEqual([{ rows: written }]);
  expect(await db.scan('PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }]);
  expect(trouble).toEqual([]);
  await db[Symbol.asyncDispose]();
});
