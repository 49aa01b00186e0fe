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
import { readTrace } from '../tracing/trace';
import { Tracing } from '../tracing/tracing';
import { InboxRepository, type Received } from './inbox.repository';
import type { News, Sent } from './news';

/** The mechanisms that every listener stands on. */
@Injectable()
export class ListenerParts {
  constructor(
    readonly bus: Bus,
    readonly clock: Clock,
    readonly logger: PinoLogger,
    readonly tracing: Tracing,
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
    for (const group of byOutbox(messages)) {
      if (this.closing.signal.aborted) return;
      const failure = await this.receive(group);
      if (failure !== undefined && isOutage(failure)) throw failure;
      if (failure !== undefined) for (const message of group) await this.alone(message);
      await this.prune(group[0] as BusMessage<Sent<Body>>);
    }
  }

  /** Answers why it has failed; undefined when it has not. */
  private async receive(messages: readonly BusMessage<Sent<Body>>[]): Promise<unknown> {
    const { consumer, news } = this.options;
    const attributes = { 'messaging.destination.name': news.topic.name, 'messaging.consumer.group.name': consumer };
    const consuming = { name: `apply ${news.topic.name}`, kind: 'consumer', attributes } as const;
    const traces = messages.map(({ body: { trace = '' } }) => readTrace(trace));
    return this.parts.tracing.group({ ...consuming, traces, work: () => this.handle(messages) });
  }

  private async handle(messages: readonly BusMessage<Sent<Body>>[]): Promise<unknown> {
    const { apply } = this.options;
    const from = messages[0]?.body.from ?? '';
    const keys = new Map(messages.map(({ key, body }) => [body.seq, key]));
    try {
      const received = await this.inbox.receive(
        this.sourceOf(from),
        messages.map(({ body }) => body),
        this.parts.clock.steady(),
        (tx, sent) =>
          apply(
            tx,
            sent.map(({ seq, body }) => ({ key: keys.get(seq) ?? '', body })),
          ),
      );
      this.tell(from, received, keys);
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
    const told = { err: reason, consumer, topic: news.topic.name, from: body.from, news_seq: body.seq };
    this.parts.logger.error(told, 'news_parked');
    const now = this.parts.clock.steady();
    const received = await this.inbox.park(this.sourceOf(body.from), body, printable(reason), now);
    this.tell(body.from, received, new Map([[body.seq, key]]));
  }

  private sourceOf(from: string): string {
    return `${from}/${this.options.news.topic.name}`;
  }

  private tell(from: string, all: readonly Received[], keys: ReadonlyMap<number, string>): void {
    const { consumer, news } = this.options;
    const messages = all.map((received) => ({
      key: keys.get(received.seq) ?? '',
      body: { consumer, from, ...received },
    }));
    if (messages.length > 0) this.parts.bus.publish(news.handled, messages);
  }

  private async prune({ body: { from, floor } }: BusMessage<Sent<Body>>): Promise<void> {
    const now = this.parts.clock.sure();
    if (now === undefined || this.parts.clock.monotonic() - this.prunedAt < pruneEveryMs) return;
    const pruned = await this.inbox.prune(this.sourceOf(from), floor, now, maxPruned);
    if (pruned < maxPruned) this.prunedAt = this.parts.clock.monotonic();
  }
}

/** Numbers are those of an outbox. */
function byOutbox<Body>(messages: readonly BusMessage<Sent<Body>>[]): BusMessage<Sent<Body>>[][] {
  const found = new Map<string, BusMessage<Sent<Body>>[]>();
  for (const message of messages) {
    const group = found.get(message.body.from) ?? [];
    found.set(message.body.from, group);
    group.push(message);
  }
  return [...found.values()];
}

function isOutage(error: unknown): boolean {
  return error instanceof AppError && error.kind === 'unavailable';
}
