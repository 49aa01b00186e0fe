import { PinoLogger } from 'nestjs-pino';
import { detach, guarded } from '../async/guarded';
import type { Load } from '../async/load';
import { pause } from '../async/pause';
import { Seldom } from '../async/seldom';
import { within } from '../async/within';
import type { CheckResult } from '../health/readiness';
import { outsideRequests } from '../tracing/request-context';
import type { Broker, Receiver } from './broker';
import { Bus, type BusMessage, type Handler, type Subscription, type Topic } from './bus';
import type { BusMetrics } from './bus.metrics';
import type { Parcel } from './parcel';

const maxQueued = 5000;
const maxSent = 1000;
const maxDeliveries = 5;
const tellEveryMs = 30_000;
const firstPauseMs = 50;
const maxPauseMs = 1000;
// What waits to be sent when the bus closes has so long.
const maxFlushMs = 1000;

/** Messages of a topic that wait to be sent. */
interface Outgoing {
  readonly waiting: BusMessage<unknown>[];
  running: Promise<void> | undefined;
}

interface Subscribed {
  readonly topic: Topic<unknown>;
  readonly subscription: Subscription;
  readonly handler: Handler<unknown>;
}

/**
 * The bus over a broker: what is published is sent in the background, in groups; each consumer takes its share, group by
 * group. What a handler rejects is delivered again until it was delivered five times.
 */
export class BrokeredBus extends Bus {
  private readonly topics = new Map<string, Outgoing>();
  private readonly consumers = new Map<string, Promise<void>>();
  private readonly closing = new AbortController();
  private readonly told = new Seldom(tellEveryMs);
  private silent = false;
  private looking = false;
  // The topic of which messages were not taken.
  private unsent = '';

  constructor(
    private readonly broker: Broker,
    private readonly metrics: BusMetrics,
    private readonly logger: PinoLogger,
    private readonly load: Load,
  ) {
    super();
  }

  override publish<Body>(topic: Topic<Body>, messages: readonly BusMessage<Body>[]): void {
    if (this.closing.signal.aborted) return;
    const outgoing = this.topics.get(topic.name) ?? { waiting: [], running: undefined };
    this.topics.set(topic.name, outgoing);
    const room = Math.max(0, maxQueued - outgoing.waiting.length);
    for (const message of messages.length <= room ? messages : messages.slice(0, room)) outgoing.waiting.push(message);
    this.count('refused', messages.length - room);
    outgoing.running ??= outsideRequests(() => this.sendAll(topic.name, outgoing));
  }

  override subscribe<Body>(topic: Topic<Body>, subscription: Subscription, handler: Handler<Body>): void {
    const name = `${topic.name} ${subscription.consumer}`;
    if (this.consumers.has(name)) throw new Error(`${topic.name} has a consumer ${subscription.consumer} already`);
    const subscribed = { topic, subscription, handler: handler as Handler<unknown> };
    this.consumers.set(
      name,
      outsideRequests(() => this.consume(subscribed)),
    );
  }

  override async close(): Promise<void> {
    this.closing.abort();
    // Who does not answer is not waited for.
    if (this.silent) await this.quietly(this.broker.close());
    const sending = Promise.all([...this.topics.values()].map(({ running }) => running));
    await Promise.all([...this.consumers.values(), this.quietly(within(sending, maxFlushMs))]);
    await this.quietly(this.broker.close());
  }

  /** Whoever only sends, and has nothing to send, finds out by this that the broker is back. */
  async check(): Promise<CheckResult> {
    if (this.silent && this.consumers.size === 0) detach(this.look());
    return this.silent ? { status: 'degraded', reason: 'the broker does not answer' } : { status: 'healthy' };
  }

  private async look(): Promise<void> {
    if (this.looking || this.closing.signal.aborted) return;
    this.looking = true;
    try {
      await this.broker.probe(this.unsent);
      this.heard();
    } catch (error) {
      this.unheard(error);
    } finally {
      this.looking = false;
    }
  }

  /** Never rejects. What is not taken is lost: nobody must wait for it. */
  private async sendAll(topic: string, outgoing: Outgoing): Promise<void> {
    // A turn of the event loop first: what the publisher's tick still brings joins the group.
    await new Promise((resolve) => setImmediate(resolve));
    while (outgoing.waiting.length > 0) {
      const group = outgoing.waiting.splice(0, maxSent);
      try {
        const taken = await this.broker.send(topic, group);
        this.count('published', taken);
        this.count('refused', group.length - taken);
        this.heard();
      } catch (error) {
        this.count('refused', group.length);
        this.unsent = topic;
        this.unheard(error);
      }
    }
    outgoing.running = undefined;
  }

  /** From subscribing to closing, through every outage. */
  private async consume(subscribed: Subscribed): Promise<void> {
    const { topic, subscription } = subscribed;
    const { signal } = this.closing;
    let receiver: Receiver | undefined;
    let failures = 0;
    while (!signal.aborted) {
      try {
        receiver ??= await this.broker.receiver(topic.name, subscription.consumer);
        const parcels = await receiver.receive();
        const began = performance.now();
        this.heard();
        failures = 0;
        const handled = parcels.length === 0 ? 0 : await this.deliver(subscribed, receiver, parcels);
        const isFull = handled >= subscription.maxGroup || parcels.length >= receiver.most;
        if (parcels.length > 0 && !isFull) await pause(subscription.gatherMs - (performance.now() - began), signal);
      } catch (error) {
        this.unheard(error);
        const longest = Math.min(maxPauseMs, firstPauseMs * 2 ** Math.min(failures++, 10));
        await pause(longest * (0.5 + Math.random() / 2), signal);
      }
    }
    if (receiver) await this.quietly(receiver.close());
  }

  /** Hands parcels to their handler and settles those that are done with. Answers how many messages they held. */
  private async deliver(subscribed: Subscribed, receiver: Receiver, parcels: readonly Parcel[]): Promise<number> {
    const extension = setInterval(
      guarded(() => this.quietly(receiver.extend(parcels))),
      this.broker.extendEveryMs,
    );
    try {
      const checked = parcels.flatMap((parcel) => this.checked(subscribed.topic, parcel));
      const failed = await this.handle(subscribed, checked);
      const isClosing = this.closing.signal.aborted;
      const givenUp = isClosing ? [] : [...failed].filter(({ deliveries }) => deliveries >= maxDeliveries);
      for (const parcel of givenUp) this.abandon(subscribed, parcel);
      const isOurs = ({ messages }: Parcel): boolean => messages !== undefined;
      await receiver.settle(parcels.filter((parcel) => isOurs(parcel) && !failed.has(parcel)));
      await receiver.reject([...parcels.filter((parcel) => !isOurs(parcel)), ...givenUp]);
      // What was not handled since this bus closes has not failed.
      if (!isClosing) await receiver.release([...failed].filter((parcel) => !givenUp.includes(parcel)));
      return checked.length;
    } finally {
      clearInterval(extension);
    }
  }

  /** The parcels of which the handler has rejected a message, or which it was not given since this bus closes. */
  private async handle(
    { subscription: { consumer, maxGroup }, handler }: Subscribed,
    checked: readonly { readonly parcel: Parcel; readonly message: BusMessage<unknown> }[],
  ): Promise<Set<Parcel>> {
    const failed = new Set<Parcel>();
    for (let from = 0; from < checked.length; from += maxGroup) {
      const group = checked.slice(from, from + maxGroup);
      const began = performance.now();
      try {
        if (this.closing.signal.aborted) throw new Error('The bus closes');
        await handler(group.map(({ message }) => message));
        this.count('handled', group.length);
      } catch (error) {
        for (const { parcel } of group) failed.add(parcel);
        if (this.closing.signal.aborted) continue;
        this.count('failed', group.length);
        this.logger.error({ err: error, consumer, count: group.length }, 'bus_group_failed');
      }
      await this.load.giveWay(performance.now() - began);
    }
    return failed;
  }

  private checked(topic: Topic<unknown>, parcel: Parcel) {
    const good = (parcel.messages ?? []).flatMap(({ key, body }) => {
      const { success, data } = topic.schema.safeParse(body);
      return success ? [{ parcel, message: { key, body: data } }] : [];
    });
    const malformed = (parcel.messages?.length ?? 1) - good.length;
    this.count('malformed', malformed);
    if (malformed > 0) this.logger.warn({ topic: topic.name, count: malformed }, 'bus_messages_malformed');
    return good;
  }

  private abandon({ topic, subscription: { consumer } }: Subscribed, { messages, deliveries }: Parcel): void {
    const count = messages?.length ?? 0;
    this.count('abandoned', count);
    const told = { topic: topic.name, consumer, count, deliveries };
    this.logger.error(told, 'bus_messages_abandoned');
  }

  private heard(): void {
    if (this.silent) this.logger.info({ bus: this.broker.kind }, 'bus_connected');
    this.silent = false;
  }

  private unheard(error: unknown): void {
    if (this.closing.signal.aborted) return;
    this.silent = true;
    if (this.told.now()) this.logger.warn({ err: error, bus: this.broker.kind }, 'bus_unreachable');
  }

  /** For what the broker does by itself when it never hears of it, only later. */
  private async quietly(work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.logger.debug({ err: error, bus: this.broker.kind }, 'bus_call_failed');
    }
  }

  private count(outcome: Parameters<BusMetrics['count']>[1], messages: number): void {
    this.metrics.count(this.broker.kind, outcome, messages);
  }
}
