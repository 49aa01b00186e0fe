import { insertNew } from '../../../src/shared/db/bulk';
import { SqliteThread } from '../../../src/shared/db/sqlite.thread';
import { settlesAtOnce } from '../../support/at-once';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { openAt, things } from './fixtures';

// Database.scan: reads of very many rows, which on SQLite hold up nobody in this thread.

const millionSteps =
  'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT COUNT(*) AS steps FROM n';

let place: TestDatabase;

describe.each(everyDatabase)('$name', ({ create }) => {
  let db: Awaited<ReturnType<typeof openAt>>;

  beforeEach(async () => {
    place = await create();
    db = await openAt(place.url);
  });
  afterEach(async () => {
    await db[Symbol.asyncDispose]();
    await place[Symbol.asyncDispose]();
  });

  test('sees what was committed when it began, in both lanes, with whole numbers and texts as everywhere', async () => {
    const rows = [['one', 'Ä\u{1f600}', Number.MAX_SAFE_INTEGER]];
    const text = 'SELECT id, note, points FROM things WHERE points > ? AND id = ?';
    for (const lane of ['questions', 'loading'] as const) expect(await db.scan(text, [-5, 'one'], lane)).toEqual([]);
    await db.transaction((tx) => insertNew(tx, { ...things, rows, groupId: 1 }));
    for (const lane of ['questions', 'loading'] as const)
      expect(await db.scan(text, [-5, 'one'], lane)).toEqual([{ id: 'one', note: rows[0]?.[1], points: rows[0]?.[2] }]);
  });

  test('does not see what is not committed, and does not wait for it', async () => {
    await db.transaction(async (tx) => {
      await insertNew(tx, { ...things, rows: [['two', null, 1]], groupId: 1 });
      expect(await db.scan('SELECT id FROM things')).toEqual([]);
    });
    expect(await db.scan('SELECT id FROM things')).toEqual([{ id: 'two' }]);
  });

  test('a statement that is wrong rejects, and the next one is answered', async () => {
    // Not toThrow: across Jest's contexts an error of a driver is no instance of Error.
    await expect(db.scan('SELECT nothing FROM nowhere')).rejects.toHaveProperty('message');
    expect(await db.scan('SELECT id FROM things')).toEqual([]);
  });

  test('an error says what kind it is, as everywhere', async () => {
    const missing = 'SELECT missing_column FROM nowhere';
    const wrong = 'SELEKT 1';
    const onConnection = (text: string) => db.read((sql) => sql.rows(text)).catch((error: unknown) => error);
    // A schema that waits for its migrations may come yet; a statement that is wrong will not get better.
    await expect(db.scan(missing)).rejects.toMatchObject({ kind: 'unavailable' });
    const { code } = (await onConnection(wrong)) as { code?: string };
    expect(code).toEqual(expect.any(String));
    await expect(db.scan(wrong)).rejects.toMatchObject({ code });
  });
});

describe('SQLite', () => {
  beforeEach(async () => {
    place = await (everyDatabase[0] as (typeof everyDatabase)[number]).create();
    await (await openAt(place.url))[Symbol.asyncDispose]();
  });
  afterEach(() => place[Symbol.asyncDispose]());

  const access = { readonly: true, busyMs: 1000 };
  const reader = (): SqliteThread => new SqliteThread(place.url.slice('sqlite:'.length), access);

  test('this thread goes on meanwhile', async () => {
    const one = reader();
    const answer = one.rows(millionSteps, [5_000_000], 60_000);
    expect(await settlesAtOnce(answer, 20)).toBe(false);
    expect(await answer).toEqual([{ steps: 5_000_000 }]);
    await one.close();
  });

  test('an answer that takes too long is given up; who waits when it is closed has an error, and it opens again', async () => {
    const one = reader();
    await expect(one.rows(millionSteps, [3_000_000], 20)).rejects.toMatchObject({ code: 'TIME_LIMIT' });
    const waiting = one.rows(millionSteps, [50_000_000], 60_000);
    const closed = expect(waiting).rejects.toMatchObject({ kind: 'unavailable' });
    await one.close();
    await closed;
    expect(await one.rows('SELECT 1 AS one', [], 5000)).toEqual([{ one: 1 }]);
    await one.close();
  });

  test('a file that is not there is unavailable, and no more than a thousand wait', async () => {
    const none = new SqliteThread('/nowhere/at-all.db', access);
    await expect(none.rows('SELECT 1', [], 5000)).rejects.toMatchObject({ kind: 'unavailable' });
    const one = reader();
    const waiting = Array.from({ length: 1001 }, () => one.rows(millionSteps, [1000], 20_000));
    const settled = await Promise.allSettled(waiting);
    expect(settled.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    await one.close();
  });
});
