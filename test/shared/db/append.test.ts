import { Table } from 'typeorm';
import { bigint, columnType, integer, text } from '../../../src/shared/db/columns';
import { isUniqueViolation } from '../../../src/shared/db/db.errors';
import type { LogRows } from '../../../src/shared/db/sql';
import { createTable } from '../../../src/shared/db/table.migration';
import { everyDatabase, everyServer } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { startSilentProxy } from '../../support/silent-proxy';
import { openAt } from './fixtures';

// SPEC 2: a log's numbers are in the order of its COMMITs, so whoever has read up to one has all below it.

const migrations = [
  createTable(
    'CreateLog1700000000010',
    (type) =>
      new Table({
        name: 'entries',
        columns: [
          { name: 'seq', ...columnType(type, 'sequence'), isPrimary: true },
          text(type, 'id', 64),
          bigint(type, 'points'),
        ],
        indices: [{ name: 'entries_id', columnNames: ['id'], isUnique: true }],
      }),
  ),
  createTable(
    'CreateCounter1700000000011',
    (type) =>
      new Table({ name: 'entries_log', columns: [integer(type, 'id', { isPrimary: true }), bigint(type, 'last_seq')] }),
  ),
];

const columns = { id: 'text', points: 'int' } as const;
const rowsOf = (...ids: string[]): LogRows => ({
  table: 'entries',
  counter: 'entries_log',
  columns,
  rows: ids.map((id, i) => [id, i]),
});
const open = async (url: string) => {
  const db = await openAt(url, { migrations });
  const counter = 'INSERT INTO entries_log (id, last_seq) SELECT 1, 0 WHERE NOT EXISTS (SELECT id FROM entries_log)';
  await db.transaction((tx) => tx.run(counter));
  return db;
};
type Opened = Awaited<ReturnType<typeof open>>;
const read = (db: Opened) =>
  db.read((sql) => sql.rows<{ seq: number; id: string }>('SELECT seq, id FROM entries ORDER BY seq'));

describe.each(everyDatabase)('$name', ({ create }) => {
  test('rows have the numbers behind the last one, in their order, whatever is in them', async () => {
    await using place = await create();
    await using db = await open(place.url);
    const odd = [`o'clock`, 'back\\slash', '"quoted"', '{a,b}', 'ünï', 'question?', "'; DROP TABLE entries; --"];
    expect(await db.append(rowsOf('b', 'a'))).toBe(0);
    expect(await db.append(rowsOf(...odd))).toBe(2);
    expect(await db.append(rowsOf('last'))).toBe(9);
    expect(await read(db)).toEqual(['b', 'a', ...odd, 'last'].map((id, i) => ({ seq: i + 1, id })));
  });

  test('an id that is there: nothing is appended, and no number is lost for good', async () => {
    await using place = await create();
    await using db = await open(place.url);
    await db.append(rowsOf('one'));
    const again = await db.append(rowsOf('two', 'one')).catch((error: unknown) => error);
    expect(isUniqueViolation(again)).toBe(true);
    expect(await db.append(rowsOf('two'))).toBe(1);
    expect(await read(db)).toEqual([
      { seq: 1, id: 'one' },
      { seq: 2, id: 'two' },
    ]);
  });
});

describe.each(everyServer)('$name', ({ name, create }) => {
  test('many processes at once: nobody ever sees a number before all below it', async () => {
    await using place = await create();
    await using reader = await open(place.url);
    await using one = await open(place.url);
    await using two = await open(place.url);
    let done = false;
    let looks = 0;
    const append = async (db: Opened, who: string): Promise<void> => {
      for (let i = 0; i < 60; i += 1) {
        await db.append(rowsOf(...[0, 1, 2].map((k) => `${who}-${i}-${k}`)));
        // Nobody has ended before there were some looks meanwhile, however slow they are.
        if (i === 50) await eventually(async () => expect(looks).toBeGreaterThan(3));
      }
    };
    const look = async (): Promise<void> => {
      for (; !done; looks += 1) {
        const seqs = (await read(reader)).map(({ seq }) => seq);
        expect(seqs).toEqual(seqs.map((_, i) => i + 1));
      }
    };
    const looking = look();
    await Promise.all([append(one, 'a'), append(one, 'b'), append(two, 'c'), append(two, 'd')]);
    done = true;
    await looking;
    expect(looks).toBeGreaterThan(3);
    expect(await read(reader)).toHaveLength(720);
  });

  test('who never hears the answer keeps nobody from the counter, and is told that it is not known', async () => {
    await using place = await create();
    await using other = await open(place.url);
    const url = new URL(place.url);
    await using proxy = await startSilentProxy(Number(url.port));
    url.port = String(proxy.port);
    await using cut = await open(url.href);
    await cut.append(rowsOf('warm'));
    proxy.loseNext(name === 'postgres' ? /\{"lost"/ : /INSERT INTO entries /);
    await expect(cut.append(rowsOf('lost'))).rejects.toMatchObject({ name: 'CommitUnknownError' });
    expect(await other.append(rowsOf('next'))).toBe(2);
    expect((await read(other)).map(({ id }) => id)).toEqual(['warm', 'lost', 'next']);
  });

  test('who stands still in the middle of an append keeps nobody from the counter', async () => {
    await using place = await create();
    await using other = await open(place.url);
    const url = new URL(place.url);
    await using proxy = await startSilentProxy(Number(url.port));
    url.port = String(proxy.port);
    await using stopped = await open(url.href);
    await stopped.append(rowsOf('warm'));
    const statement = proxy.holdNext(name === 'postgres' ? /\{"held"/ : /INSERT INTO entries /);
    const held = stopped.append(rowsOf('held'));
    await statement.held;
    expect(await other.append(rowsOf('next'))).toBe(1);
    statement.release();
    expect(await held).toBe(2);
  });
});
