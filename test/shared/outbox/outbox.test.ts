import type { Gauge } from 'prom-client';
import { unavailable } from '../../../src/shared/errors/common.errors';
import { Metrics } from '../../../src/shared/metrics/metrics';
import { OutboxMetrics } from '../../../src/shared/outbox/outbox.metrics';
import { OutboxRepository } from '../../../src/shared/outbox/outbox.repository';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import {
  consumers,
  inmemBus,
  newsNamed,
  openListener,
  openOffice,
  openShop,
  type Sale,
  type Shop,
  stock,
  UnreliableBus,
} from './outboxes';

// The promise: what is announced commits with its effect, and each consumer applies it once, in the order of its key, whatever
// the bus loses, repeats and reorders, and whoever dies.

const news = newsNamed('sales');
const hourMs = 3_600_000;

describe.each(everyDatabase)('on $name', ({ create }) => {
  const open: AsyncDisposable[] = [];
  const keep = <T extends AsyncDisposable>(one: T): T => {
    open.push(one);
    return one;
  };
  let places: Record<'shop' | (typeof consumers)[number], TestDatabase>;
  beforeEach(async () => {
    places = { shop: keep(await create()), till: keep(await create()), desk: keep(await create()) };
  });
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
  });

  test('the bus loses, repeats and reorders: each consumer applies each once, in the order of its key', async () => {
    const random = randomOf(1);
    const bus = new UnreliableBus(inmemBus(), random);
    const shop = keep(await openShop(places.shop, bus, news));
    const ids = ['hats', 'coats', 'boots'];
    await stock(shop.db, ids);
    const listening = [];
    for (const consumer of consumers) listening.push(keep(await openListener(consumer, places[consumer], bus, news)));
    await Promise.all(Array.from({ length: 30 }, (_, i) => shop.sell(ids[i % 3] as string)));
    await hurried(shop, async () => expect(await shop.waiting()).toBe(0));
    for (const one of listening) {
      const had = await one.effects();
      expect(had).toHaveLength(30);
      for (const id of ids)
        expect(had.filter((effect) => effect.id === id).map(({ number }) => number)).toEqual(upTo(10));
    }
  }, 120_000);

  test('what is taken back was not announced; what nobody could say is said later', async () => {
    const bus = new UnreliableBus(inmemBus(), () => 0.5);
    const shop = keep(await openShop(places.shop, bus, news));
    await stock(shop.db, ['hats']);
    const refuse = (): void => {
      throw new Error('The card was refused');
    };
    await expect(shop.sell('hats', refuse)).rejects.toThrow('refused');
    expect(await shop.waiting()).toBe(0);
    // Nobody listens yet, and then nobody hears that it was handled.
    await shop.sell('hats');
    bus.cut.add(news.handled.name);
    const till = keep(await openListener('till', places.till, bus, news));
    keep(await openListener('desk', places.desk, bus, news));
    await eventually(async () => expect(await till.effects()).toEqual([{ id: 'hats', number: 1 }]));
    expect(await shop.waiting()).toBe(2);
    bus.cut.clear();
    await eventually(async () => expect(await shop.waiting()).toBe(0));
    expect(await till.effects()).toHaveLength(1);
  });

  test('what fails five times is given up, the next of its key goes on, and a redrive brings it back, once', async () => {
    const bus = inmemBus();
    const shop = keep(await openShop(places.shop, bus, news));
    await stock(shop.db, ['hats', 'boots']);
    let isMended = false;
    const tried: number[] = [];
    const fail = (id: string, { number }: Sale): void => {
      if (id !== 'hats' || number !== 2 || isMended) return;
      tried.push(number);
      throw new Error('No room for\n2 hats');
    };
    const till = keep(await openListener('till', places.till, bus, news, fail));
    const office = keep(await openOffice(keep(await create()), bus, news));
    keep(await openListener('desk', places.desk, bus, news));
    for (const id of ['hats', 'hats', 'hats', 'boots']) await shop.sell(id);
    await eventually(async () => expect(await shop.waiting()).toBe(0));
    const [letter] = await shop.outbox.parked(0, 10);
    expect(letter).toMatchObject({ consumer: 'till', key: 'hats', body: { number: 2 }, reason: 'No room for 2 hats' });
    const had = (await till.effects()).map(({ id, number }) => `${id} ${number}`);
    expect(had.sort()).toEqual(['boots 1', 'hats 1', 'hats 3']);
    expect(till.logged.filter((line) => line.includes('news_parked'))).toHaveLength(1);
    // Once in its group, at most, and five times alone.
    expect(tried.length).toBeGreaterThanOrEqual(5);
    const about = { feature: 'shop', seq: letter?.seq ?? 0, consumer: 'till', topic: news.topic.name, key: 'hats' };
    const parked = expect.objectContaining({ ...about, outcome: 'parked', reason: 'No room for 2 hats' });
    await eventually(async () => expect(office.heard).toEqual([parked]));
    await office.redrive(about);
    await eventually(async () => expect(office.heard).toEqual([parked, parked]));
    expect(await till.effects()).toHaveLength(3);
    isMended = true;
    await office.redrive(about);
    const applied = expect.objectContaining({ ...about, outcome: 'applied', reason: '' });
    await eventually(async () => expect(office.heard).toEqual([parked, parked, applied]));
    await office.redrive(about);
    await eventually(async () => expect(await shop.waiting()).toBe(0));
    expect(await shop.outbox.parked(0, 10)).toEqual([]);
    expect(await till.effects()).toHaveLength(4);
  });

  test('two that announce the same have numbers of their own', async () => {
    const bus = inmemBus();
    const held = new UnreliableBus(bus, () => 0.5);
    held.cut.add(news.topic.name);
    const shop = keep(await openShop(places.shop, bus, news));
    const stall = keep(await openShop(keep(await create()), held, news, 'stall'));
    await stock(shop.db, ['hats']);
    await stock(stall.db, ['boots']);
    const till = keep(await openListener('till', places.till, bus, news));
    await stall.sell('boots');
    await shop.sell('hats');
    // Nobody has heard for the desk, and nothing of what the stall says.
    await eventually(async () => expect(await shop.waiting()).toBe(1));
    expect(await stall.waiting()).toBe(2);
    held.cut.clear();
    await hurried(stall, async () => expect(await till.effects()).toHaveLength(2));
    const desk = keep(await openListener('desk', places.desk, bus, news));
    for (const one of [shop, stall]) await hurried(one, async () => expect(await one.waiting()).toBe(0));
    expect(await desk.effects()).toHaveLength(2);
  });

  test('an outage gives nothing up: it is sent again until the database is back', async () => {
    const bus = inmemBus();
    const shop = keep(await openShop(places.shop, bus, news));
    await stock(shop.db, ['hats']);
    let asked = 0;
    const fail = (): void => {
      asked += 1;
      if (asked <= 8) throw unavailable(new Error('The database is away'));
    };
    const till = keep(await openListener('till', places.till, bus, news, fail));
    keep(await openListener('desk', places.desk, bus, news));
    await shop.sell('hats');
    await hurried(shop, async () => expect(await till.effects()).toHaveLength(1));
    expect(await shop.outbox.parked(0, 10)).toEqual([]);
  });

  test('a scrape says how much waits for whom, for how long, and what was given up', async () => {
    const shop = keep(await openShop(places.shop, inmemBus(), news));
    await stock(shop.db, ['hats']);
    const metrics = new Metrics();
    const [waiting, lag, parked] = ['waiting', 'lag', 'parked'].map((name) =>
      metrics.gauge(name, name, ['feature', 'consumer']),
    ) as [Gauge<'feature' | 'consumer'>, Gauge<'feature' | 'consumer'>, Gauge<'feature' | 'consumer'>];
    const outboxMetrics = new OutboxMetrics(waiting, lag, parked, shop.clock);
    const repository = new OutboxRepository(shop.db, 'shop');
    outboxMetrics.watch('shop', [], repository);
    outboxMetrics.watch('other', ['nobody'], { counts: async () => [] } as unknown as OutboxRepository);
    const of = async (gauge: Gauge<'feature' | 'consumer'>): Promise<unknown> =>
      (await gauge.get()).values.map(({ labels, value }) => [labels.feature, labels.consumer, Math.floor(value)]);
    // Before anything was announced.
    expect(await of(waiting)).toEqual([['other', 'nobody', 0]]);
    shop.clock.stop();
    for (let i = 0; i < 3; i += 1) await shop.sell('hats');
    shop.clock.ahead += 10_000;
    const handle = (seq: number, reason?: string): Promise<number> => {
      const handled = {
        consumer: 'till',
        from: 'shop',
        seq,
        redriven: 0,
        ...(reason !== undefined && { parked: reason }),
      };
      return repository.settle(news.topic.name, [handled], shop.clock.steady(), async () => undefined);
    };
    await handle(1, 'no room');
    expect(await of(waiting)).toEqual(
      expect.arrayContaining([
        ['shop', 'till', 2],
        ['shop', 'desk', 3],
      ]),
    );
    expect(await of(parked)).toContainEqual(['shop', 'till', 1]);
    expect(await of(lag)).toContainEqual(['shop', 'desk', 10]);
    for (const seq of [1, 3, 5]) await handle(seq);
    expect([await of(waiting), await of(lag), await of(parked)]).toEqual([
      expect.arrayContaining([['shop', 'till', 0]]),
      expect.arrayContaining([['shop', 'till', 0]]),
      expect.arrayContaining([['shop', 'till', 0]]),
    ]);
  });

  test('what was handled is remembered for two days, and a copy that is older is not taken', async () => {
    const bus = inmemBus();
    const till = keep(await openListener('till', places.till, bus, news));
    const remembered = async (): Promise<number> => {
      const [row] = await till.db.read((sql) => sql.rows<{ n: number }>('SELECT COUNT(*) AS n FROM till_inbox'));
      return Number(row?.n);
    };
    const began = Date.now();
    const copy = (seq: number, sentAt: number, floor: number): void => {
      const sent = {
        consumer: 'till',
        from: 'shop',
        seq,
        afterSeq: 0,
        createdAt: began + seq,
        sentAt,
        floor,
        redriven: 0,
      };
      bus.publish(news.topic, [{ key: 'hats', body: { ...sent, body: { number: seq } } }]);
    };
    copy(1, began, 0);
    copy(2, began, 0);
    await eventually(async () => expect(await till.effects()).toHaveLength(2));
    till.clock.ahead = 47 * hourMs;
    copy(1, began, began + 2);
    copy(3, began + till.clock.ahead, began + 2);
    await eventually(async () => expect(await till.effects()).toHaveLength(3));
    expect(await remembered()).toBe(3);
    till.clock.ahead = 49 * hourMs;
    copy(4, began + till.clock.ahead, began + 2);
    // The second one may come again: it was announced after what all consumers have handled.
    await eventually(async () => expect(await remembered()).toBe(3));
    copy(1, began, began + 2);
    copy(2, began + till.clock.ahead, began + 2);
    copy(5, began + till.clock.ahead, began + 2);
    await eventually(async () => expect(await till.effects()).toHaveLength(5));
    expect((await till.effects()).map(({ number }) => number)).toEqual([1, 2, 3, 4, 5]);
  });
});

/** What is not answered is sent again each time after twice as long: the clock of the shop goes twenty times as fast. */
async function hurried(shop: Shop, check: () => Promise<unknown>): Promise<void> {
  const going = setInterval(() => {
    shop.clock.ahead += 1000;
  }, 50);
  try {
    await eventually(check, 60_000);
  } finally {
    clearInterval(going);
  }
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}

/** Numbers from 0 to 1, the same for the same seed. Source: mulberry32 */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
