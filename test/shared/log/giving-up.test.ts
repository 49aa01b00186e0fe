import type { Sql } from '../../../src/shared/db/sql';
import { unavailable } from '../../../src/shared/errors/common.errors';
import { PlaceRepository } from '../../../src/shared/log/place.repository';
import { settlesAtOnce } from '../../support/at-once';
import { everyDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { openAt } from '../db/fixtures';
import { consumerOf, effectsIn, type Line, lines, consumerMigrations as migrations, TestLog } from './consumers';

// SPEC 2: what cannot be applied is given up after five tries and never keeps its neighbours; an outage is no try.

const numbers = (from: number, to: number): number[] => lines(from, to).map(({ seq }) => seq);
const sqlite = everyDatabase[0] as (typeof everyDatabase)[number];

async function opened(create = sqlite.create) {
  const place = await create();
  const db = await openAt(place.url, { migrations });
  const close = async (): Promise<void> => {
    await db.close();
    await place[Symbol.asyncDispose]();
  };
  return { db, url: place.url, [Symbol.asyncDispose]: close };
}

test('poison is tried five times, and its neighbours go through with the first', async () => {
  await using place = await opened();
  const log = new TestLog();
  log.all.push(...lines(1, 50));
  await using one = await consumerOf(place.db, log, ({ seq }) => {
    if (seq === 20) throw new Error('poison');
  });
  await eventually(async () => expect(await one.places.find()).toMatchObject({ seq: 50, ahead: [] }));
  expect(one.groups.filter((group) => group.length === 1 && group[0] === 20)).toHaveLength(5);
  expect(one.groups.slice(-4)).toEqual([[20], [20], [20], [20]]);
  expect(one.logged).toEqual(['event_parked']);
  expect(await effectsIn(place.db)).toEqual(numbers(1, 50).filter((seq) => seq !== 20));
});

test('on SQLite what was redriven waits for the disk before its letter is settled, which may be in another file', async () => {
  await using place = await opened();
  const places = new PlaceRepository(place.db, 'tested');
  await places.begin({ seq: 1, id: 'line-1', ahead: [] }, 0, [1]);
  const level = async (tx: Sql) => (await tx.rows<{ synchronous: number }>('PRAGMA synchronous'))[0]?.synchronous;
  expect((await places.pass(lines(2, 2), 'log', level)).effect).toBe(1);
  expect((await places.pass(lines(1, 1), 'redriven', level)).effect).toBe(2);
});

test('an outage is not counted as a try, however long it lasts', async () => {
  await using place = await opened();
  const log = new TestLog();
  log.all.push(...lines(1, 10));
  let outages = 0;
  await using one = await consumerOf(place.db, log, () => {
    outages += 1;
    if (outages <= 7) throw unavailable(new Error('gone'));
  });
  await eventually(async () => expect(await one.places.find()).toMatchObject({ seq: 10 }));
  expect([log.letters.size, await effectsIn(place.db)]).toEqual([0, numbers(1, 10)]);
});

test('while parking fails the event is not passed; it is tried again and parked when that works', async () => {
  await using place = await opened();
  const log = new TestLog();
  log.all.push(...lines(1, 3));
  const park = log.park.bind(log);
  let refusals = 0;
  log.park = async (event, reason) => {
    refusals += 1;
    if (refusals <= 2) throw unavailable(new Error('The gateway is gone'));
    await park(event, reason);
  };
  await using one = await consumerOf(place.db, log, ({ seq }) => {
    if (seq === 2) throw new Error('poison');
  });
  await eventually(async () => expect(one.logged).toContain('park_failed'));
  expect((await one.places.find())?.seq).toBe(1);
  await eventually(async () => expect(await one.places.find()).toMatchObject({ seq: 3, ahead: [] }));
  expect([log.letters.size, await effectsIn(place.db)]).toEqual([1, [1, 3]]);
});

test('a row that cannot be read is given up at once', async () => {
  await using place = await opened();
  const log = new TestLog();
  const [first, second, third] = lines(1, 3) as [Line, Line, Line];
  log.all.push(first, { ...second, fault: 'no JSON' }, third);
  await using one = await consumerOf(place.db, log);
  await eventually(async () => expect(await one.places.find()).toMatchObject({ seq: 3, ahead: [] }));
  expect([...log.letters.values()]).toMatchObject([{ event: { seq: 2 }, reason: 'no JSON' }]);
});

test('who stops ends its tries at once, and nothing is given up', async () => {
  // Its statements answer in the turn that asks them, so that turns can be counted.
  const inMemory = { url: 'sqlite::memory:', [Symbol.asyncDispose]: async () => undefined };
  await using place = await opened(async () => inMemory);
  const log = new TestLog();
  log.all.push(...lines(1, 5));
  let tries = 0;
  const one = await consumerOf(place.db, log, () => {
    tries += 1;
    throw unavailable(new Error('gone'));
  });
  await eventually(async () => expect(tries).toBeGreaterThan(3));
  expect(await settlesAtOnce(Promise.resolve(one[Symbol.asyncDispose]()), 10)).toBe(true);
  expect(log.letters.size).toBe(0);
});

test('a reason is printable, bounded, and never empty', async () => {
  for (const [thrown, reason] of [
    [new Error(''), 'failed without a message'],
    [new Error('a\nb\u0000\ud800'), 'a b \uFFFD'],
    [new Error('x'.repeat(5000)), 'x'.repeat(1000)],
  ] as const) {
    await using place = await opened();
    const log = new TestLog();
    log.all.push(...lines(1, 1));
    await using _one = await consumerOf(place.db, log, () => {
      throw thrown;
    });
    await eventually(async () => expect([...log.letters.values()].map((letter) => letter.reason)).toEqual([reason]));
  }
});
