import { inList, insertNew } from '../../../src/shared/db/bulk';
import type { Sql } from '../../../src/shared/db/database';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { openAt, things } from './fixtures';

const insert = 'INSERT INTO things (id, points) VALUES (?, ?)';
const biggest = Number.MAX_SAFE_INTEGER;

describe.each(everyDatabase)('values on $name', ({ create }) => {
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
  const read = <T>(text: string) => db.read((sql) => sql.rows<T>(text));

  test('whole numbers come back as numbers, sums too', async () => {
    await db.transaction(async (tx) => {
      for (const [id, points] of [
        ['a', biggest - 5],
        ['b', 5],
        ['c', -7],
      ] as const)
        await tx.run(insert, [id, points]);
    });
    expect(await read('SELECT points FROM things ORDER BY id')).toEqual([
      { points: biggest - 5 },
      { points: 5 },
      { points: -7 },
    ]);
    expect(await read("SELECT SUM(points) AS sum, COUNT(*) AS count FROM things WHERE id <> 'c'")).toEqual([
      { sum: biggest, count: 2 },
    ]);
  });

  test('a number beyond 2^53-1 throws on the way in and on the way out', async () => {
    await expect(db.transaction((tx) => tx.run(insert, ['a', 2 ** 53]))).rejects.toThrow(RangeError);
    const bulk = (tx: Sql) => insertNew(tx, { ...things, rows: [['b', null, 2 ** 53]], groupId: 1 });
    await expect(db.transaction(bulk)).rejects.toThrow(RangeError);
    await db.transaction((tx) => tx.run(insert, ['c', biggest]));
    await db.transaction((tx) => tx.run('UPDATE things SET points = points + 2'));
    await expect(read('SELECT points FROM things')).rejects.toThrow(RangeError);
    expect(await read('SELECT id FROM things')).toEqual([{ id: 'c' }]);
  });

  test('keys are compared and ordered byte by byte', async () => {
    const keys = ['B', 'a', 'A', 'b', 'é', 'e', 'Z', '_', 'ß', 'ss'];
    const rows = keys.map((id) => [id, null, 1]);
    const inserted = await db.transaction((tx) => insertNew(tx, { ...things, rows, groupId: 1 }));
    expect(inserted.size).toBe(keys.length);
    const ordered = (await read<{ id: string }>('SELECT id FROM things ORDER BY id')).map(({ id }) => id);
    expect(ordered).toEqual([...keys].sort());
    expect(await db.read((sql) => sql.rows('SELECT id FROM things WHERE id = ?', ['É']))).toEqual([]);
  });

  test('text survives as it is', async () => {
    const notes = [
      '"quoted"',
      "it's",
      'back\\slash',
      '{a,b}',
      'NULL',
      '',
      '😀',
      'two\nlines',
      '%_',
      '; DROP TABLE things',
      null,
    ];
    const rows = notes.map((note, i) => [`id-${String(i).padStart(2, '0')}`, note, i]);
    await db.transaction((tx) => insertNew(tx, { ...things, rows, groupId: 1 }));
    const found = await read<{ note: string | null }>('SELECT note FROM things ORDER BY id');
    expect(found.map(({ note }) => note)).toEqual(notes);
    for (const note of notes.slice(0, -1)) {
      const [row] = await db.read((sql) =>
        sql.rows<{ count: number }>('SELECT COUNT(*) AS count FROM things WHERE note = ?', [note]),
      );
      expect(row?.count).toBe(1);
    }
  });

  test('whole numbers are bound as 64-bit integers', async () => {
    await db.transaction((tx) => tx.run(insert, ['a', 7]));
    await db.transaction((tx) =>
      tx.run(
        'UPDATE things SET points = ? + ? * CASE WHEN hits < 20 THEN hits + 1 ELSE 20 END',
        [1_795_219_200_000, 30],
      ),
    );
    const text = 'SELECT points, (points & ?) AS bits FROM things WHERE points >= ? ORDER BY points LIMIT ?';
    expect(await db.read((sql) => sql.rows(text, [2, 1, 10]))).toEqual([{ points: 1_795_219_200_030, bits: 2 }]);
  });

  test.each([0, 1, 3, 600])('a list of %i values finds exactly them', async (count) => {
    const rows = Array.from({ length: 700 }, (_, i) => [`id-${i}`, null, i]);
    await db.transaction((tx) => insertNew(tx, { ...things, rows, groupId: 1 }));
    const ids = rows.slice(0, count).map(([id]) => id ?? null);
    const list = inList(db.kind, ids);
    const found = await db.read((sql) => sql.rows(`SELECT id FROM things WHERE id ${list.text}`, list.params));
    expect(found).toHaveLength(count);
  });
});
