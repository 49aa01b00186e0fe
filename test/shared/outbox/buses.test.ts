import { ulid } from 'ulid';
import { AppError } from '../../../src/shared/errors/app-error';
import { everyDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { type Brokerage, brokers, idleMs } from '../bus/kinds';
import { consumers, newsNamed, openListener, openShop, type Shop, stock } from './outboxes';

// Two processes announce, two of each consumer listen, on every kind of bus; the bus is lost, and one process of each dies.

const postgres = everyDatabase.find(({ name }) => name === 'postgres') as (typeof everyDatabase)[number];

/** Sells one as a seller does: again, where the database answered that it cannot right now. That sale announced nothing. */
async function sellSurely(shop: Shop, id: string): Promise<number> {
  for (;;) {
    try {
      return await shop.sell(id);
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'unavailable') throw error;
    }
  }
}

test.each(brokers)(
  'over %s each announcement has its effect once, in the order of its key',
  async (_name, start) => {
    await using brokerage: Brokerage = await start(idleMs);
    const news = newsNamed(`sales-${ulid()}`);
    const open: AsyncDisposable[] = [];
    const keep = <T extends AsyncDisposable>(one: T): T => {
      open.push(one);
      return one;
    };
    const join = async () => {
      const { bus, die } = await brokerage.open();
      keep({ [Symbol.asyncDispose]: die });
      return bus;
    };
    try {
      const place = keep(await postgres.create());
      const shops = [keep(await openShop(place, await join(), news)), keep(await openShop(place, await join(), news))];
      const listening = [];
      for (const consumer of consumers) {
        const own = keep(await postgres.create());
        listening.push(keep(await openListener(consumer, own, await join(), news)));
        keep(await openListener(consumer, own, await join(), news));
      }
      const ids = ['hats', 'coats', 'boots'];
      const [shop] = shops;
      await stock(shop!.db, ids);
      const sellAll = (): Promise<unknown> =>
        Promise.all(Array.from({ length: 30 }, (_, i) => sellSurely(shops[i % 2] as Shop, ids[i % 3] as string)));
      await sellAll();
      await brokerage.wipe();
      await sellAll();
      await brokerage.server.kill();
      await sellAll();
      await brokerage.server.restart();
      await eventually(async () => expect(await shop?.waiting()).toBe(0), 90_000);
      for (const one of listening) {
        const had = await one.effects();
        for (const id of ids)
          expect(had.filter((effect) => effect.id === id).map(({ number }) => number)).toEqual(
            Array.from({ length: 30 }, (_, i) => i + 1),
          );
      }
    } finally {
      for (const one of open.reverse()) await one[Symbol.asyncDispose]();
    }
  },
  180_000,
);
