import type { Database } from '../../../src/shared/db/database';
import { InboxRepository } from '../../../src/shared/outbox/inbox.repository';
import type { Sent } from '../../../src/shared/outbox/news';
import { inboxMigration, inboxRedrivenMigration } from '../../../src/shared/outbox/outbox.entity';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { openAt } from '../db/fixtures';

const migrations = [inboxMigration('till', 1_700_000_000_050), inboxRedrivenMigration('till', 1_700_000_000_051)];
const topic = 'shop/sales';
const now = 1_800_000_000_000;

describe.each(everyDatabase)('an inbox on $name', ({ create }) => {
  let place: TestDatabase;
  let db: Database;
  let inbox: InboxRepository;
  beforeAll(async () => {
    place = await create();
    db = await openAt(place.url, { migrations });
    inbox = new InboxRepository(db, 'till');
  });
  afterAll(async () => {
    await db.close();
    await place[Symbol.asyncDispose]();
  });

  const copy = (redriven: number): Sent<number> => ({
    ...{ consumer: 'till', from: 'shop', seq: 7, afterSeq: 0, createdAt: now, sentAt: now, floor: 0 },
    ...{ redriven, body: 7 },
  });
  const failing = async (): Promise<void> => {
    throw new Error('no room');
  };

  test('a redrive that was given up, too, is over: its late copies wait for the next one', async () => {
    const effects: number[] = [];
    const effect = async (_tx: unknown, sent: readonly Sent<number>[]): Promise<void> => {
      effects.push(...sent.map(({ redriven }) => redriven));
    };
    expect(await inbox.park(topic, copy(0), 'first', now)).toEqual([{ seq: 7, redriven: 0, parked: 'first' }]);
    // Whoever tries it may die: it is tried again then.
    for (const _try of [1, 2]) await expect(inbox.receive(topic, [copy(1)], now, failing)).rejects.toThrow('no room');
    expect(await inbox.park(topic, copy(1), 'second', now)).toEqual([{ seq: 7, redriven: 1, parked: 'second' }]);
    for (const late of [0, 1])
      expect(await inbox.receive(topic, [copy(late)], now, effect)).toEqual([
        { seq: 7, redriven: late, parked: 'second' },
      ]);
    expect(effects).toEqual([]);
    expect(await inbox.receive(topic, [copy(2)], now, effect)).toEqual([{ seq: 7, redriven: 2 }]);
    expect(await inbox.receive(topic, [copy(2)], now, effect)).toEqual([{ seq: 7, redriven: 2 }]);
    expect(effects).toEqual([2]);
  });
});
