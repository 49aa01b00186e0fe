import { inList, insertNew, keyOf, upsertAdd } from '../../../src/shared/db/bulk';
import type { Database, Sql } from '../../../src/shared/db/database';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { openAt, things } from './fixtures';

function shuffled<T>(values: readonly T[]): T[] {
  return values
    .map((value) => ({ value, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ value }) => value);
}

const idsFrom = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `id-${from + i}`);
const asRows = (ids: readonly string[], points = 1) => ids.map((id) => [id, 'note', points]);
const count = async (sql: Sql) => (await sql.rows<{ count: number }>('SELECT COUNT(*) AS count FROM things'))[0]?.count;

describe.each(everyDatabase)('bulk inserts on $name', ({ create, name }) => {
  let place: TestDatabase;
  let db: Awaited<ReturnType<typeof openAt>>;
  beforeEach(async () => {
    place = await create();
    db = await openAt(place.url);
  });
  afterEach(async () => {
    await db.close();
    await place[Symbol.asyncDispose]();
  });
  const insert = (ids: readonly string[], groupId: number, at: Database = db) =>
    at.transaction((tx) => insertNew(tx, { ...things, rows: asRows(ids), groupId }));

  test.each([1, 2, 2500, 6001])('of %i rows the new ones are named', async (size) => {
    const half = Math.floor(size / 2);
    expect(await insert(idsFrom(0, half), 1)).toEqual(new Set(idsFrom(0, half)));
    expect(await insert(shuffled(idsFrom(0, size)), 2)).toEqual(new Set(idsFrom(half, size)));
    expect(await insert(idsFrom(0, size), 3)).toEqual(new Set());
    expect(await db.read(count)).toBe(size);
  });

  test('the first of two rows with one key is inserted, and one that is there stays', async () => {
    await insert(['there'], 1);
    const rows = [
      ['new', 'first', 1],
      ['there', 'other', 5],
      ['new', 'second', 2],
    ];
    const inserted = await db.transaction((tx) => insertNew(tx, { ...things, rows, groupId: 2 }));
    expect(inserted).toEqual(new Set(['new']));
    const found = await db.read((sql) => sql.rows('SELECT id, note, points, group_id FROM things ORDER BY id'));
    expect(found).toEqual([
      { id: 'new', note: 'first', points: 1, group_id: 2 },
      { id: 'there', note: 'note', points: 1, group_id: 1 },
    ]);
  });

  test('each id is new for exactly one of several writers at once', async () => {
    await using other = await openAt(place.url);
    const all = idsFrom(0, 600);
    const writers = Array.from({ length: 24 }, (_, i) =>
      insert(shuffled(all).slice(0, 200), i + 1, i % 2 ? db : other),
    );
    const seen = (await Promise.all(writers)).flatMap((ids) => [...ids]);
    expect(new Set(seen).size).toBe(seen.length);
    expect(await db.read(count)).toBe(seen.length);
  });

  test('a rolled-back insert leaves the ids to the next', async () => {
    const failing = db.transaction(async (tx) => {
      await insertNew(tx, { ...things, rows: asRows(idsFrom(0, 10)), groupId: 1 });
      throw new Error('back');
    });
    await expect(failing).rejects.toThrow('back');
    expect((await insert(idsFrom(0, 10), 2)).size).toBe(10);
  });

  test('keys of two columns', async () => {
    const pairs = { table: 'pairs', columns: { owner: 'text', name: 'text' }, key: ['owner', 'name'] } as const;
    const first = await db.transaction((tx) =>
      insertNew(tx, {
        ...pairs,
        rows: [
          ['a', 'x'],
          ['b', 'x'],
        ],
        groupId: 1,
      }),
    );
    const rows = [
      ['a', 'x'],
      ['a', 'y'],
      ['b', 'y'],
      ['a', 'y'],
    ];
    const second = await db.transaction((tx) => insertNew(tx, { ...pairs, rows, groupId: 2 }));
    expect(first).toEqual(new Set([keyOf(['a', 'x']), keyOf(['b', 'x'])]));
    expect(second).toEqual(new Set([keyOf(['a', 'y']), keyOf(['b', 'y'])]));
  });

  test('what a group inserted can be read back', async () => {
    await insert(idsFrom(0, 5), 1);
    await insert(idsFrom(0, 9), 2);
    const of = (groupId: number) =>
      db.read(async (sql) => {
        const found = await sql.rows<{ id: string }>('SELECT id FROM things WHERE group_id = ?', [groupId]);
        return new Set(found.map(({ id }) => id));
      });
    expect(await of(1)).toEqual(new Set(idsFrom(0, 5)));
    expect(await of(2)).toEqual(new Set(idsFrom(5, 9)));
    expect(await of(3)).toEqual(new Set());
  });

  test('a violated constraint fails the group and leaves nothing', async () => {
    const rows = [...asRows(idsFrom(0, 5)), ['long'.repeat(40), 'note', null]];
    // Not toThrow: across Jest's contexts an error of the SQLite driver is no instance of Error.
    await expect(db.transaction((tx) => insertNew(tx, { ...things, rows, groupId: 1 }))).rejects.toHaveProperty('code');
    expect(await db.read(count)).toBe(0);
  });

  test('upserts of several writers at once add up', async () => {
    await using other = await openAt(place.url);
    const totals = {
      table: 'things',
      columns: { id: 'text', note: 'text', points: 'int', hits: 'int' },
      key: ['id'],
    } as const;
    const players = idsFrom(0, 50);
    const writer = (i: number) => {
      const rows = shuffled([...players, ...players]).map((id) => [id, `by-${i}`, 7, 1]);
      return (i % 2 ? db : other).transaction((tx) =>
        upsertAdd(tx, { ...totals, rows, add: ['points', 'hits'], set: ['note'] }),
      );
    };
    await Promise.all(Array.from({ length: 16 }, (_, i) => writer(i)));
    const found = await db.read((sql) => sql.rows('SELECT DISTINCT points, hits FROM things'));
    expect(found).toEqual([{ points: 16 * 2 * 7, hits: 32 }]);
    const [note] = await db.read((sql) => sql.rows<{ note: string }>("SELECT note FROM things WHERE id = 'id-0'"));
    expect(note?.note).toMatch(/^by-\d+$/);
  });

  test('an upsert answers its rows as they are then, new ones and old ones', async () => {
    const totals = { table: 'things', columns: { id: 'text', points: 'int' }, key: ['id'], set: [] } as const;
    const add = (rows: [string, number][]) => {
      const { text, params } = inList(
        db.kind,
        rows.map(([id]) => id),
      );
      const back = { list: 'id, points', rest: `WHERE id ${text}`, params };
      return db.transaction((tx) =>
        upsertAdd<{ id: string; points: number }>(tx, { ...totals, rows, add: ['points'] }, back),
      );
    };
    await add([['old', 5]]);
    const told = await add([
      ['new', 1],
      ['old', 2],
      ['old', 3],
    ]);
    expect(told.sort((a, b) => a.points - b.points)).toEqual([
      { id: 'new', points: 1 },
      { id: 'old', points: 10 },
    ]);
  });

  test('max columns keep the larger value, within a group and against what is there', async () => {
    const latest = { table: 'things', columns: { id: 'text', points: 'int', hits: 'int' }, key: ['id'] } as const;
    const put = (rows: (string | number)[][]) =>
      db.transaction((tx) => upsertAdd(tx, { ...latest, rows, add: ['hits'], set: [], max: ['points'] }));
    await put([
      ['a', 5, 1],
      ['a', 9, 1],
      ['a', 7, 1],
      ['b', -3, 1],
    ]);
    await put([
      ['a', 8, 1],
      ['b', -2, 1],
    ]);
    expect(await db.read((sql) => sql.rows('SELECT id, points, hits FROM things ORDER BY id'))).toEqual([
      { id: 'a', points: 9, hits: 4 },
      { id: 'b', points: -2, hits: 2 },
    ]);
  });

  test('an insert of nothing asks nobody', async () => {
    expect(await insert([], 1)).toEqual(new Set());
    expect(name).toBeDefined();
  });
});
