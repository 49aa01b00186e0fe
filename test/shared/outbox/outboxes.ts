import { Table } from 'typeorm';
import { z } from 'zod';
import { Load } from '../../../src/shared/async/load';
import { Audiences } from '../../../src/shared/bus/audiences';
import { Bus, type BusMessage, type Handler, type Subscription, type Topic } from '../../../src/shared/bus/bus';
import type { BusMetrics } from '../../../src/shared/bus/bus.metrics';
import { InmemBus } from '../../../src/shared/bus/inmem.bus';
import { Clock } from '../../../src/shared/clock/clock';
import { bigint, sequence, text } from '../../../src/shared/db/columns';
import type { Database } from '../../../src/shared/db/database';
import type { Sql } from '../../../src/shared/db/sql';
import { createTable } from '../../../src/shared/db/table.migration';
import { type DeadNews, deadNews, newsKey, redrivenNews } from '../../../src/shared/outbox/dead-news';
import { type News, newsOf } from '../../../src/shared/outbox/news';
import { ListenerParts, NewsListener } from '../../../src/shared/outbox/news-listener';
import { type Announce, Outbox, OutboxParts } from '../../../src/shared/outbox/outbox';
import {
  inboxMigration,
  inboxRedrivenMigration,
  outboxMigration,
  outboxTraceMigration,
} from '../../../src/shared/outbox/outbox.entity';
import type { OutboxMetrics } from '../../../src/shared/outbox/outbox.metrics';
import { SilentTracing } from '../../../src/shared/tracing/tracing';
import type { TestDatabase } from '../../support/databases';
import { testJobs } from '../../support/jobs';
import { recordingLogger } from '../../support/recording-logger';
import { openAt } from '../db/fixtures';

// A shop that announces what it sells, a till and a desk that hear of it, and an office that hears what they have given up,
// each with a database of its own.

export interface Sale {
  readonly number: number;
}

export const consumers = ['till', 'desk'] as const;

export function newsNamed(name: string): News<Sale> {
  return newsOf(name, z.object({ number: z.int() }));
}

const goods = createTable(
  'CreateGoods1700000000030',
  (type) =>
    new Table({
      name: 'goods',
      columns: [sequence(type), text(type, 'id', 64), bigint(type, 'sold')],
      indices: [{ name: 'goods_id', columnNames: ['id'], isUnique: true }],
    }),
);
const effects = createTable(
  'CreateEffects1700000000031',
  (type) => new Table({ name: 'effects', columns: [sequence(type), text(type, 'id', 64), bigint(type, 'number')] }),
);
const migrationsOf = {
  shop: [
    goods,
    outboxMigration('shop', 1_700_000_000_032),
    outboxTraceMigration('shop', 1_700_000_000_161),
    inboxMigration('shop', 1_700_000_000_035),
    inboxRedrivenMigration('shop', 1_700_000_000_141),
  ],
  stall: [
    goods,
    outboxMigration('stall', 1_700_000_000_038),
    outboxTraceMigration('stall', 1_700_000_000_162),
    inboxMigration('stall', 1_700_000_000_039),
    inboxRedrivenMigration('stall', 1_700_000_000_142),
  ],
  till: [effects, inboxMigration('till', 1_700_000_000_033), inboxRedrivenMigration('till', 1_700_000_000_143)],
  desk: [effects, inboxMigration('desk', 1_700_000_000_034), inboxRedrivenMigration('desk', 1_700_000_000_144)],
  office: [
    outboxMigration('office', 1_700_000_000_036),
    outboxTraceMigration('office', 1_700_000_000_163),
    inboxMigration('office', 1_700_000_000_037),
    inboxRedrivenMigration('office', 1_700_000_000_145),
  ],
};

/** Loses, repeats and reorders what it is given, by the numbers of `random`. */
export class UnreliableBus extends Bus {
  /** Topics that bring nothing at all. */
  readonly cut = new Set<string>();

  constructor(
    private readonly bus: Bus,
    private readonly random: () => number,
  ) {
    super();
  }

  override publish<Body>(topic: Topic<Body>, messages: readonly BusMessage<Body>[]): void {
    if (this.cut.has(topic.name)) return;
    for (const message of [...messages].sort(() => this.random() - 0.5)) {
      const dice = this.random();
      if (dice < 0.25) continue;
      this.bus.publish(topic, dice > 0.8 ? [message, message] : [message]);
    }
  }

  override subscribe<Body>(topic: Topic<Body>, subscription: Subscription, handler: Handler<Body>): void {
    this.bus.subscribe(topic, subscription, handler);
  }

  override close(): Promise<void> {
    return this.bus.close();
  }
}

export function inmemBus(): InmemBus {
  return new InmemBus({ count: () => undefined } as unknown as BusMetrics, recordingLogger().logger, new Load());
}

class ShopOutbox extends Outbox {}
class TestListener extends NewsListener<Sale> {}

/** The clock of this machine, some time ahead. */
export class ShiftedClock extends Clock {
  ahead = 0;
  private stoppedAt: readonly [wall: number, monotonic: number] | undefined;

  /** Goes on by `ahead` alone from now on. */
  stop(): void {
    this.stoppedAt = [Date.now(), performance.now()];
  }

  override now(): number {
    return (this.stoppedAt?.[0] ?? Date.now()) + this.ahead;
  }

  override monotonic(): number {
    return (this.stoppedAt?.[1] ?? performance.now()) + this.ahead;
  }
}

export interface Shop extends AsyncDisposable {
  readonly outbox: Outbox;
  readonly db: Database;
  readonly clock: ShiftedClock;
  /** Sells one more of these goods, and announces it; what `then` throws takes both back. */
  sell(id: string, then?: () => void): Promise<number>;
  waiting(): Promise<number>;
}

/** One process of the shop, or of a stall that sells the same. */
export async function openShop(
  place: TestDatabase,
  bus: Bus,
  news: News<Sale>,
  name: 'shop' | 'stall' = 'shop',
): Promise<Shop> {
  const db = await openAt(place.url, { migrations: migrationsOf[name] });
  const clock = new ShiftedClock();
  const outbox = new ShopOutbox(partsOf(bus, clock, news), name, db, [news]);
  outbox.onModuleInit();
  await outbox.onApplicationBootstrap();
  const sellIn = async (tx: Sql, announce: Announce, id: string): Promise<number> => {
    const changed = await tx.run('UPDATE goods SET sold = sold + 1 WHERE id = ?', [id]);
    if (changed === 0) throw new Error(`There are no ${id}`);
    const [row] = await tx.rows<{ sold: number }>('SELECT sold FROM goods WHERE id = ?', [id]);
    const number = row?.sold ?? 0;
    await announce(news, id, { number });
    return number;
  };
  return {
    outbox,
    db,
    clock,
    sell: (id, then) =>
      outbox.transaction(async (tx, announce) => {
        const number = await sellIn(tx, announce, id);
        then?.();
        return number;
      }),
    waiting: async () => {
      const [row] = await db.read((sql) =>
        sql.rows<{ n: number }>(`SELECT COUNT(*) AS n FROM ${name}_outbox WHERE parked_at = 0`),
      );
      return Number(row?.n);
    },
    [Symbol.asyncDispose]: async () => {
      outbox.beforeApplicationShutdown();
      await outbox.onApplicationShutdown();
      await db.close();
    },
  };
}

function partsOf(bus: Bus, clock: Clock, news: News<Sale>): OutboxParts {
  const audiences = new Audiences(
    new Map<string, readonly string[]>([
      [news.topic.name, consumers],
      [deadNews.topic.name, ['office']],
      [redrivenNews.topic.name, ['shop']],
    ]),
  );
  const metrics = { watch: () => undefined } as unknown as OutboxMetrics;
  const listening = new ListenerParts(bus, clock, recordingLogger().logger, new SilentTracing());
  return new OutboxParts(bus, audiences, testJobs().jobs, clock, metrics, listening);
}

class OfficeListener extends NewsListener<DeadNews> {}

export interface Office extends AsyncDisposable {
  /** What was heard, in order. */
  readonly heard: readonly DeadNews[];
  redrive(of: Pick<DeadNews, 'feature' | 'seq'>): Promise<void>;
}

export async function openOffice(place: TestDatabase, bus: Bus, news: News<Sale>): Promise<Office> {
  const db = await openAt(place.url, { migrations: migrationsOf.office });
  const [clock, heard] = [new ShiftedClock(), [] as DeadNews[]];
  const outbox = new ShopOutbox(partsOf(bus, clock, news), 'office', db, [redrivenNews]);
  const listener = new OfficeListener(new ListenerParts(bus, clock, recordingLogger().logger, new SilentTracing()), {
    ...{ consumer: 'office', news: deadNews, db },
    apply: async (_tx, announced) => {
      heard.push(...announced.map(({ body }) => body));
    },
  });
  outbox.onModuleInit();
  listener.onModuleInit();
  await outbox.onApplicationBootstrap();
  return {
    heard,
    redrive: ({ feature, seq }) =>
      outbox.transaction((_tx, announce) => announce(redrivenNews, newsKey({ feature, seq }), { feature, seq })),
    [Symbol.asyncDispose]: async () => {
      outbox.beforeApplicationShutdown();
      listener.beforeApplicationShutdown();
      await outbox.onApplicationShutdown();
      await db.close();
    },
  };
}

export async function stock(db: Database, ids: readonly string[]): Promise<void> {
  await db.transaction(async (tx) => {
    for (const id of ids) await tx.run('INSERT INTO goods (id, sold) VALUES (?, 0)', [id]);
  });
}

export interface Listening extends AsyncDisposable {
  readonly db: Database;
  readonly clock: ShiftedClock;
  readonly logged: readonly string[];
  /** What had an effect, in order. */
  effects(): Promise<{ id: string; number: number }[]>;
}

/** One process of a consumer. `fail` is called within the transaction, before the effect; what it throws fails the group. */
export async function openListener(
  consumer: (typeof consumers)[number],
  place: TestDatabase,
  bus: Bus,
  news: News<Sale>,
  fail: (id: string, sale: Sale) => void = () => undefined,
): Promise<Listening> {
  const db = await openAt(place.url, { migrations: migrationsOf[consumer] });
  const { logger, told: logged } = recordingLogger();
  const clock = new ShiftedClock();
  const listener = new TestListener(new ListenerParts(bus, clock, logger, new SilentTracing()), {
    ...{ consumer, news, db },
    apply: async (tx, announced) => {
      for (const { key, body } of announced) {
        fail(key, body);
        await tx.run('INSERT INTO effects (id, number) VALUES (?, ?)', [key, body.number]);
      }
    },
  });
  listener.onModuleInit();
  return {
    ...{ db, clock, logged },
    effects: () => db.read((sql) => sql.rows('SELECT id, number FROM effects ORDER BY seq')),
    [Symbol.asyncDispose]: async () => {
      listener.beforeApplicationShutdown();
      await db.close();
    },
  };
}
