import { setTimeout as sleep } from 'node:timers/promises';
import { ulid } from 'ulid';
import type { Topic } from '../../../src/shared/bus/bus';
import { everyDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { type Brokerage, brokers, idleMs } from '../bus/kinds';
import { openAt } from '../db/fixtures';
import { consumerOf, effectsIn, type Line, lines, consumerMigrations as migrations, TestLog, topic } from './consumers';

// SPEC 2: the bus is transport only. Two processes consume one log over each kind of bus, and each event has its effect once.

const numbers = (from: number, to: number): number[] => lines(from, to).map(({ seq }) => seq);
const postgres = everyDatabase.find(({ name }) => name === 'postgres') as (typeof everyDatabase)[number];

describe.each(brokers)('%s', (_name, start) => {
  let brokerage: Brokerage;
  beforeAll(async () => {
    brokerage = await start(idleMs);
  });
  afterAll(() => brokerage[Symbol.asyncDispose]());

  /** A database, a log, and processes that consume it. */
  async function opened() {
    const place = await postgres.create();
    const db = await openAt(place.url, { migrations });
    const own: Topic<Line> = { ...topic, name: `lines-${ulid()}` };
    const log = new TestLog();
    const processes: AsyncDisposable[] = [];
    const consumer = async (effect?: (event: Line) => void) => {
      const { bus, die } = await brokerage.open();
      const running = await consumerOf(db, log, effect, { bus, topic: own });
      processes.push(running, { [Symbol.asyncDispose]: die });
      return running;
    };
    const close = async (): Promise<void> => {
      for (const one of processes) await one[Symbol.asyncDispose]();
      await db.close();
      await place[Symbol.asyncDispose]();
    };
    return { db, log, consumer, [Symbol.asyncDispose]: close };
  }

  test('two processes share the events: no hole stays, none is applied twice, and the log is not read', async () => {
    await using place = await opened();
    const { log, db } = place;
    const [one] = [await place.consumer(), await place.consumer()];
    const bring = (from: number): void => {
      log.all.push(...lines(from, from + 19));
      one.bring(lines(from, from + 19));
    };
    // Until all are connected the log may be quicker.
    bring(1);
    await eventually(async () => expect(await one.places.find()).toMatchObject({ seq: 20 }));
    const before = log.reads;
    // A hole that stays for a quarter of a second is looked up, as is the log each second: so long a broker may take.
    const now = jest.spyOn(performance, 'now').mockReturnValue(performance.now());
    for (let from = 21; from <= 2000; from += 20) {
      bring(from);
      await sleep(5);
    }
    await eventually(async () => expect(await one.places.find()).toMatchObject({ seq: 2000, ahead: [] }));
    now.mockRestore();
    const reads = log.reads - before;
    expect(await effectsIn(db)).toEqual(numbers(1, 2000));
    expect(reads).toBe(0);
  });

  test('duplicates, reordering, and the loss of the whole bus in between', async () => {
    await using place = await opened();
    const { log, db } = place;
    const [one] = [await place.consumer(), await place.consumer()];
    for (let from = 1; from <= 600; from += 20) {
      log.all.push(...lines(from, from + 19));
      const mixed = [...lines(from, from + 19), ...lines(Math.max(1, from - 15), from + 5)];
      one.bring(mixed.sort(() => Math.random() - 0.5));
      if (from === 201) await brokerage.wipe();
      if (from === 301) await brokerage.server.kill();
      if (from === 401) await brokerage.server.restart();
      await sleep(20);
    }
    await eventually(async () => expect(await one.places.find()).toMatchObject({ seq: 600, ahead: [] }));
    expect(await effectsIn(db)).toEqual(numbers(1, 600));
  });

  test('poison is parked after five tries while others flow, and redriven it has its effect once', async () => {
    await using place = await opened();
    const { log, db } = place;
    let broken = true;
    const poison = ({ seq }: Line): void => {
      if (seq === 7 && broken) throw new Error('poison');
    };
    const [one] = [await place.consumer(poison), await place.consumer(poison)];
    log.all.push(...lines(1, 20));
    one.bring(lines(1, 20));
    await eventually(async () => expect(await one.places.find()).toMatchObject({ seq: 20, ahead: [] }));
    expect([...log.letters.values()]).toMatchObject([{ event: { seq: 7 }, reason: 'poison' }]);
    expect(await effectsIn(db)).toEqual(numbers(1, 20).filter((seq) => seq !== 7));
    broken = false;
    Object.assign(log.letters.get('letter-7') ?? {}, { redriven: true });
    await eventually(async () => expect(log.letters.size).toBe(0));
    expect(await effectsIn(db)).toEqual(numbers(1, 20));
  });
});
