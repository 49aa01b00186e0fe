import { type BeforeApplicationShutdown, Injectable, type OnModuleInit } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { pause } from '../async/pause';
import { Turns } from '../async/turns';
import { Bus, type BusMessage } from '../bus/bus';
import { Clock } from '../clock/clock';
import type { Database } from '../db/database';
import type { Sql } from '../db/sql';
import { AppError } from '../errors/app-error';
import { printable } from '../text/printable';
import { InboxRepository, type Received } from './inbox.repository';
import type { News, Sent } from './news';

/** The mechanisms that every listener stands on. */
@Injectable()
export class ListenerParts {
  constructor(
    readonly bus: Bus,
    readonly clock: Clock,
    readonly logger: PinoLogger,
  ) {}
}

export interface NewsListenerOptions<Body> {
  /** The feature that listens. */
  readonly consumer: string;
  readonly news: News<Body>;
  readonly db: Database;
  /** So many announcements at once in one transaction; 200 unless told. */
  readonly maxGroup?: number;
  /** In the transaction of the inbox. What it throws takes the whole group back; each is then tried by itself. */
  readonly apply: (tx: Sql, announced: readonly { readonly key: string; readonly body: Body }[]) => Promise<void>;
}

const largestGroup = 200;
const gatherMs = 20;
const maxTries = 5;
const firstPauseMs = 20;
const pruneEveryMs = 60_000;
const maxPruned = 500;

/**
 * What a feature does when another one announces something: each announcement once in effect, those of one key in their order.
 * What fails is tried five times and then given up, until somebody redrives it; an outage is not counted as a try: the outbox
 * sends it again.
 */
export abstract class NewsListener<Body> implements OnModuleInit, BeforeApplicationShutdown {
  private readonly inbox: InboxRepository;
  private readonly closing = new AbortController();
  private readonly turns = new Turns();
  private prunedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly parts: ListenerParts,
    private readonly options: NewsListenerOptions<Body>,
  ) {
    this.inbox = new InboxRepository(options.db, options.consumer);
  }

  onModuleInit(): void {
    const { consumer, news, maxGroup = largestGroup } = this.options;
    this.parts.bus.subscribe(news.topic, { consumer, maxGroup, gatherMs }, (messages) =>
      this.turns.take(() => this.hear(messages.filter(({ body }) => body.consumer === consumer))),
    );
  }

  beforeApplicationShutdown(): void {
    this.closing.abort();
  }

  private async hear(messages: readonly BusMessage<Sent<Body>>[]): Promise<void> {
    if (this.closing.signal.aborted || messages.length === 0) return;
    const failure = await this.receive(messages);
    if (failure !== undefined && isOutage(failure)) throw failure;
    if (failure !== undefined) for (const message of messages) await this.alone(message);
    await this.prune(messages[0] as BusMessage<Sent<Body>>);
  }

  /** Answers why it has failed; undefined when it has not. */
  private async receive(messages: readonly BusMessage<Sent<Body>>[]): Promise<unknown> {
    const { news, apply } = this.options;
    const keys = new Map(messages.map(({ key, body }) => [body.seq, key]));
    try {
      const received = await this.inbox.receive(
        news.topic.name,
        messages.map(({ body }) => body),
        this.parts.clock.steady(),
        (tx, sent) =>
          apply(
            tx,
            sent.map(({ seq, body }) => ({ key: keys.get(seq) ?? '', body })),
          ),
      );
      this.tell(received, keys);
      return undefined;
    } catch (error) {
      return error ?? new Error('failed without a reason');
    }
  }

  private async alone(message: BusMessage<Sent<Body>>): Promise<void> {
    for (let tries = 1; !this.closing.signal.aborted; tries += 1) {
      const failure = await this.receive([message]);
      if (failure === undefined) return;
      if (isOutage(failure)) throw failure;
      if (tries === maxTries) {
        await this.park(message, failure);
        return;
      }
      await pause(firstPauseMs * 2 ** tries, this.closing.signal);
    }
  }

  private async park({ key, body }: BusMessage<Sent<Body>>, reason: unknown): Promise<void> {
    const { consumer, news } = this.options;
    const told = { err: reason, consumer, topic: news.topic.name, news_seq: body.seq };
    this.parts.logger.error(told, 'news_parked');
    const received = await this.inbox.park(news.topic.name, body, printable(reason), this.parts.clock.steady());
    this.tell(received, new Map([[body.seq, key]]));
  }

  private tell(all: readonly Received[], keys: ReadonlyMap<number, string>): void {
    const { consumer, news } = this.options;
    const messages = all.map((received) => ({ key: keys.get(received.seq) ?? '', body: { consumer, ...received } }));
    if (messages.length > 0) this.parts.bus.publish(news.handled, messages);
  }

  private async prune({ body: { floor } }: BusMessage<Sent<Body>>): Promise<void> {
    const now = this.parts.clock.sure();
    if (now === undefined || this.parts.clock.monotonic() - this.prunedAt < pruneEveryMs) return;
    const pruned = await this.inbox.prune(this.options.news.topic.name, floor, now, maxPruned);
    if (pruned < maxPruned) this.prunedAt = this.parts.clock.monotonic();
  }
}

function isOutage(error: unknown): boolean {
  return error instanceof AppError && error.kind === 'unavailable';
}
