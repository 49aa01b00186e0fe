import { type BeforeApplicationShutdown, Injectable, type OnModuleInit } from '@nestjs/common';
import { detach } from '../async/guarded';
import { Jobs, type NamedJobs } from '../async/jobs';
import { Turns } from '../async/turns';
import { Worker } from '../async/worker';
import { Audiences } from '../bus/audiences';
import { Bus } from '../bus/bus';
import { Clock } from '../clock/clock';
import type { Database } from '../db/database';
import type { Sql } from '../db/sql';
import { currentContext } from '../tracing/request-context';
import { writeTrace } from '../tracing/trace';
import { deadNews, newsKey, ownTopics, type RedrivenNews, redrivenNews } from './dead-news';
import type { Handled, News, Sent } from './news';
import { ListenerParts, NewsListener } from './news-listener';
import { OutboxMetrics } from './outbox.metrics';
import { OutboxRepository, type ParkedNews, type Waiting } from './outbox.repository';

/** The mechanisms that every outbox stands on. */
@Injectable()
export class OutboxParts {
  constructor(
    readonly bus: Bus,
    readonly audiences: Audiences,
    readonly jobs: Jobs,
    readonly clock: Clock,
    readonly metrics: OutboxMetrics,
    readonly listening: ListenerParts,
  ) {}
}

/** Hears which announcements of an outbox are to be tried again. */
class RedriveListener extends NewsListener<RedrivenNews> {}

/** Announces in the transaction that it was made for. Announcements of one key reach each consumer in their order. */
export type Announce = <Body>(news: News<Body>, key: string, body: Body) => Promise<void>;

const lookMs = 250;
const maxSent = 500;
const gatherMs = 20;
// Something may be committed so long after it was announced.
const lateMs = 3_600_000;

/**
 * What a feature announces: written in the transaction of its effect, sent after the COMMIT, and sent again until every
 * consumer has said that it was applied or given up. The bus may lose, repeat and reorder it, and so may a process that dies.
 * What was given up is announced to whoever lists it, and tried again when that one says so. The feature has an inbox, too.
 */
export abstract class Outbox extends Worker implements OnModuleInit, BeforeApplicationShutdown {
  private readonly rows: OutboxRepository;
  private readonly topics: ReadonlyMap<string, News<unknown>>;
  private readonly turns = new Turns();
  private readonly redrives: RedriveListener | undefined;
  private looking = false;
  private closing = false;

  constructor(
    private readonly parts: OutboxParts,
    private readonly feature: string,
    db: Database,
    news: readonly News<unknown>[],
  ) {
    super(parts.jobs, { everyMs: lookMs, atOnce: true });
    this.rows = new OutboxRepository(db, feature);
    const isTold = news.some(({ topic }) => !ownTopics.includes(topic.name));
    this.topics = new Map([...news, ...(isTold ? [deadNews] : [])].map((one) => [one.topic.name, one]));
    if (isTold)
      this.redrives = new RedriveListener(parts.listening, {
        ...{ consumer: feature, news: redrivenNews, db },
        apply: async (tx, announced) => {
          const mine = announced.flatMap(({ body }) => (body.feature === feature ? [body.seq] : []));
          for (const seq of mine) await this.rows.redrive(tx, seq, parts.clock.steady());
        },
      });
  }

  onModuleInit(): void {
    const consumers = [...this.topics.keys()].flatMap((topic) => this.parts.audiences.consumersOf(topic));
    this.parts.metrics.watch(this.feature, consumers, this.rows);
    for (const [topic, { handled }] of this.topics)
      this.parts.bus.subscribe(handled, { consumer: this.feature, maxGroup: maxSent, gatherMs }, async (messages) => {
        const mine = messages.flatMap(({ body }) => (body.from === this.feature ? [body] : []));
        if ((await this.settle(topic, mine)) > 0) this.wake();
      });
    this.redrives?.onModuleInit();
  }

  /** Runs `work` in one transaction, as `Database.transaction` does; what it announces commits with it. */
  async transaction<T>(work: (tx: Sql, announce: Announce) => Promise<T>): Promise<T> {
    let announced = false;
    const done = await this.rows.transaction((tx) => {
      const announce = this.announcing(tx);
      return work(tx, (...news) => {
        announced = true;
        return announce(...news);
      });
    });
    if (announced) this.wake();
    return done;
  }

  /** For a transaction that somebody else has begun in the same database, such as an inbox. It is sent with the next round. */
  announcing(tx: Sql): Announce {
    return async ({ topic: { name: topic } }, key, body) => {
      if (!this.topics.has(topic)) throw new Error(`${this.feature} does not announce ${topic}`);
      const consumers = this.parts.audiences.consumersOf(topic);
      const span = currentContext()?.span;
      const trace = span ? writeTrace(span) : '';
      await this.rows.append(tx, { consumers, topic, key, trace, body }, this.parts.clock.steady());
    };
  }

  /** What consumers have given up, behind a number. */
  parked(afterSeq: number, limit: number): Promise<ParkedNews[]> {
    return this.rows.parked(afterSeq, limit);
  }

  /** Before the bus closes. */
  beforeApplicationShutdown(): void {
    this.closing = true;
    this.redrives?.beforeApplicationShutdown();
  }

  override async onApplicationShutdown(): Promise<void> {
    await super.onApplicationShutdown();
    await this.turns.idle();
  }

  protected override work(): NamedJobs {
    return { [`${this.feature}.outbox`]: () => this.look() };
  }

  /** Answers how many are to be sent now. */
  private settle(topic: string, all: readonly Handled[]): Promise<number> {
    const now = this.parts.clock.steady();
    return this.rows.settle(topic, all, now, async (tx, dead) => {
      if (ownTopics.includes(topic)) return;
      const announce = this.announcing(tx);
      for (const one of dead) {
        const body = { feature: this.feature, topic, ...one, at: now };
        await announce(deadNews, newsKey(body), body);
      }
    });
  }

  /** Sends what was just committed; whoever comes while that is done is part of the next round. */
  private wake(): void {
    if (this.looking || this.closing) return;
    this.looking = true;
    detach(this.jobs.round(this.work()));
  }

  private look(): Promise<void> {
    return this.turns.take(async () => {
      this.looking = false;
      for (let found = maxSent; found === maxSent && !this.closing; ) found = await this.send();
    });
  }

  private async send(): Promise<number> {
    const now = this.parts.clock.steady();
    const rows = await this.rows.take(now, maxSent);
    if (rows.length === 0) return 0;
    const since = await this.rows.waitingSince();
    for (const [topic, { topic: declared }] of this.topics) {
      const messages = rows.flatMap((row) =>
        row.topic === topic ? [{ key: row.key, body: toSent(row, this.feature, now, since) }] : [],
      );
      if (messages.length > 0) this.parts.bus.publish(declared, messages);
    }
    return rows.length;
  }
}

function toSent(
  { consumer, topic, seq, afterSeq, createdAt, redriven, trace, body }: Waiting,
  from: string,
  now: number,
  since: ReadonlyMap<string, number>,
): Sent<unknown> {
  const floor = Math.max(0, Math.min(since.get(`${consumer} ${topic}`) ?? now, now - lateMs));
  return { consumer, from, seq, afterSeq, createdAt, sentAt: now, floor, redriven, trace, body };
}
