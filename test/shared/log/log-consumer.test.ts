import { CommitUnknownError } from '../../../src/shared/db/db.errors';
import { unavailable } from '../../../src/shared/errors/common.errors';
import { everyDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { openAt } from '../db/fixtures';
import { consumerOf, effectsIn, type Line, lines, consumerMigrations as migrations, TestLog } from './consumers';

// SPEC 2: each event has its effect once, whatever is lost, sent twice, late or out of order, and one never keeps its
// neighbours.

const numbers = (from: number, to: number): number[] => lines(from, to).map(({ seq }) => seq);
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const sqlite = everyDatabase[0] as (typeof everyDatabase)[number];

afterEach(() => jest.restoreAllMocks());

async function opened(create = sqlite.create) {
  const place = await create();
  const db = await openAt(place.url, { migrations });
  const close = async (): Promise<void> => {
    await db.close();
    await place[Symbol.asyncDispose]();
  };
  return { db, url: place.url, [Symbol.asyncDispose]: close };
}

describe.each(everyDatabase)('$name', ({ create }) => {
  test('what the bus loses, repeats and mixes up takes effect once; so does what two processes are told', async () => {
    await using place = await opened(create);
    const { db } = place;
    const log = new TestLog();
    const all = lines(1, 600);
    {
      await using one = await consumerOf(db, log);
      await using two = await consumerOf(db, log);
      for (let from = 0; from < all.length; from += 20) {
        const group = all.slice(from, from + 20);
        log.all.push(...group);
        for (const process of [one, two]) {
          const some = group.filter(() => Math.random() < 0.5);
          const mixed = [...some, ...some.slice(0, 3), ...all.slice(Math.max(0, from - 5), from)];
          process.bring(mixed.sort(() => Math.random() - 0.5));
        }
        await sleep(5);
      }
      await eventually(async () => expect(await one.places.find()).toMatchObject({ seq: 600, ahead: [] }));
    }
    expect(await effectsIn(db)).toEqual(numbers(1, 600));
  });

  test('an event that was given up has its effect once when it is redriven, and not before', async () => {
    await using place = await opened(create);
    const { db } = place;
    const log = new TestLog();
    log.all.push(...lines(1, 9));
    let broken = true;
    const poison = ({ seq }: Line): void => {
      if (seq === 4 && broken) throw new Error('no such boss\u0007');
    };
    {
      await using one = await consumerOf(db, log, poison);
      await eventually(async () => expect(await one.places.find()).toMatchObject({ seq: 9, ahead: [] }));
      expect(await effectsIn(db)).toEqual([1, 2, 3, 5, 6, 7, 8, 9]);
      expect([...log.letters.values()]).toMatchObject([{ event: { seq: 4 }, reason: 'no such boss ' }]);
      // Tried again, it fails again.
      Object.assign(log.letters.get('letter-4') ?? {}, { redriven: true, reason: 'before' });
      await eventually(async () =>
        expect([...log.letters.values()]).toMatchObject([{ redriven: false, reason: 'no such boss ' }]),
      );
    }
    broken = false;
    Object.assign(log.letters.get('letter-4') ?? {}, { redriven: true });
    await using one = await consumerOf(db, log, poison);
    await using _two = await consumerOf(db, log, poison);
    await eventually(async () => expect(log.letters.size).toBe(0));
    // As if settling had not been heard.
    log.letters.set('letter-4', { event: lines(4, 4)[0] as Line, reason: '', redriven: true });
    await eventually(async () => expect(log.letters.size).toBe(0));
    expect(await effectsIn(db)).toEqual(numbers(1, 9));
    expect(one.logged).toEqual([]);
  });

  test('what an earlier version has applied or given up has no second effect', async () => {
    await using place = await opened(create);
    const { db } = place;
    const log = new TestLog();
    log.all.push(...lines(1, 12));
    log.first = { seq: 3, id: 'line-3', inboxUpTo: 10 };
    // It has applied 1, 2, 3, 5 and 8, and given up 2 (long ago) and 7.
    for (const seq of [1, 2, 3, 5, 8])
      await db.transaction((tx) =>
        tx.run('INSERT INTO tested_inbox (event_id, group_id) VALUES (?, 0)', [`line-${seq}`]),
      );
    for (const seq of [2, 7]) await log.park(lines(seq, seq)[0] as Line, 'given up');
    await using one = await consumerOf(db, log);
    await eventually(async () => expect(await one.places.find()).toMatchObject({ seq: 12 }));
    expect(await effectsIn(db)).toEqual([4, 6, 9, 10, 11, 12]);
    for (const letter of log.letters.values()) letter.redriven = true;
    await eventually(async () => expect(log.letters.size).toBe(0));
    expect(await effectsIn(db)).toEqual([2, 4, 6, 7, 9, 10, 11, 12]);
  });
});

test('a COMMIT whose answer was lost is found out by applying again', async () => {
  await using place = await opened();
  const { db } = place;
  const log = new TestLog();
  log.all.push(...lines(1, 10));
  const transaction = db.transaction.bind(db);
  let lost = false;
  jest.spyOn(db, 'transaction').mockImplementation(async (work, options) => {
    const result = await transaction(work, options);
    if (lost || !(await effectsIn(db)).includes(1)) return result;
    lost = true;
    throw new CommitUnknownError(new Error('The connection broke'));
  });
  await using one = await consumerOf(db, log);
  await eventually(async () => expect(await one.places.find()).toMatchObject({ seq: 10 }));
  expect([lost, await effectsIn(db)]).toEqual([true, numbers(1, 10)]);
});

test('an event that was redriven before it was passed is tried in its turn alone', async () => {
  await using place = await opened();
  const log = new TestLog();
  log.all.push(...lines(1, 5));
  // The letter is written and redriven; the process died before it wrote the number.
  await log.park(lines(3, 3)[0] as Line, 'poison');
  const sources: string[] = [];
  await place.db.transaction((tx) =>
    tx.run("INSERT INTO tested_place (id, seq, event_id, ahead, recheck_to) VALUES (1, 0, '', '[]', 0)"),
  );
  for (const letter of log.letters.values()) letter.redriven = true;
  await using one = await consumerOf(place.db, log, ({ seq }, source) => {
    if (seq === 3) sources.push(source);
  });
  await eventually(async () => expect(log.letters.size).toBe(0));
  expect([await effectsIn(place.db), sources]).toEqual([numbers(1, 5), ['log']]);
  expect((await one.places.find())?.seq).toBe(5);
});

test('an event that is redriven between its letter and its number is not lost', async () => {
  await using place = await opened();
  const log = new TestLog();
  log.all.push(...lines(1, 5));
  const park = log.park.bind(log);
  let broken = true;
  let two: AsyncDisposable | undefined;
  log.park = async (event, reason) => {
    await park(event, reason);
    for (const letter of log.letters.values()) letter.redriven = true;
    broken = false;
    // Another process sees it redriven before it is passed, and gets no further.
    const { reads } = log;
    two = await consumerOf(place.db, log, () => {
      throw unavailable(new Error('gone'));
    });
    await eventually(async () => expect(log.reads).toBeGreaterThan(reads + 2));
  };
  await using one = await consumerOf(place.db, log, ({ seq }) => {
    if (seq === 3 && broken) throw new Error('poison');
  });
  await eventually(async () => expect(await one.places.find()).toMatchObject({ seq: 5 }));
  await eventually(async () => expect(log.letters.size).toBe(0));
  expect(await effectsIn(place.db)).toEqual(numbers(1, 5));
  await two?.[Symbol.asyncDispose]();
});

test('what the bus brings in order is not read from the log; a hole is read soon, and silence after a second', async () => {
  await using place = await opened();
  const log = new TestLog();
  // Time as the consumer sees it passes by hand: a hole, and silence, last as long as is said here.
  let now = performance.now();
  jest.spyOn(performance, 'now').mockImplementation(() => now);
  await using one = await consumerOf(place.db, log);
  // At its start, and when it first looks.
  await eventually(async () => expect(log.reads).toBe(2));
  log.all.push(...lines(1, 40));
  for (let from = 1; from <= 40; from += 10) one.bring(lines(from, from + 9));
  await eventually(async () => expect(await one.places.find()).toMatchObject({ seq: 40 }));
  // 41 to 50 are lost.
  log.all.push(...lines(41, 60));
  one.bring(lines(51, 60));
  await eventually(async () => expect((await effectsIn(place.db)).length).toBe(50));
  expect(await one.places.find()).toMatchObject({ seq: 40, ahead: [{ after: 50, to: 60 }] });
  // It looks several times, and has no reason to read.
  await sleep(600);
  expect(log.reads).toBe(2);
  now += 251;
  await eventually(async () => expect(await one.places.find()).toMatchObject({ seq: 60, ahead: [] }));
  log.all.push(...lines(61, 70));
  now += 1001;
  await eventually(async () => expect(await one.places.find()).toMatchObject({ seq: 70 }));
  expect(await effectsIn(place.db)).toEqual(numbers(1, 70));
});

test('no more than 4,096 numbers lie ahead of a place: beyond it the hole is filled first', async () => {
  await using place = await opened();
  const log = new TestLog();
  // No hole is old, and nothing has been silent for long, however slow the machine is.
  jest.spyOn(performance, 'now').mockReturnValue(performance.now());
  await using one = await consumerOf(place.db, log, undefined, { maxGroup: 2500 });
  log.all.push(...lines(1, 5001));
  one.bring(lines(2, 5001));
  await eventually(async () => expect(await one.places.find()).toMatchObject({ seq: 5001, ahead: [] }));
  expect(Math.max(...one.ahead)).toBeGreaterThan(2000);
  expect(Math.max(...one.ahead)).toBeLessThanOrEqual(4096);
  expect(await effectsIn(place.db)).toEqual(numbers(1, 5001));
});

test('a journal that is older than the place is refused at the start, in words that say what to do', async () => {
  await using place = await opened();
  const log = new TestLog();
  log.all.push(...lines(1, 9));
  {
    await using one = await consumerOf(place.db, log);
    await eventually(async () => expect(await one.places.find()).toMatchObject({ seq: 9 }));
  }
  log.all.length = 5;
  await expect(consumerOf(place.db, log)).rejects.toMatchObject({
    name: 'StartError',
    message: expect.stringMatching(/no event line-9 at number 9.*Restore/),
  });
  log.all.push(...lines(6, 9).map((line) => ({ ...line, id: `other-${line.seq}` })));
  await expect(consumerOf(place.db, log)).rejects.toMatchObject({ name: 'StartError' });
  expect(await effectsIn(place.db)).toEqual(numbers(1, 9));
});

test('a journal that is restored while it is read is refused until it is the right one again', async () => {
  await using place = await opened();
  const log = new TestLog();
  log.all.push(...lines(1, 9));
  await using one = await consumerOf(place.db, log);
  await eventually(async () => expect(await one.places.find()).toMatchObject({ seq: 9 }));
  log.all.length = 5;
  await eventually(async () => expect(await one.check()).toMatchObject({ status: 'unhealthy' }));
  one.bring(lines(10, 12));
  await sleep(300);
  expect(await effectsIn(place.db)).toEqual(numbers(1, 9));
  log.all.push(...lines(6, 12));
  await eventually(async () => expect(await one.places.find()).toMatchObject({ seq: 12 }));
  expect([await one.check(), await effectsIn(place.db)]).toMatchObject([{ status: 'healthy' }, numbers(1, 12)]);
});
