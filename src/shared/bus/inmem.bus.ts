import { Injectable } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { Load } from '../async/load';
import { outsideRequests } from '../tracing/request-context';
import { Bus, type BusMessage, type Handler, type Subscription, type Topic } from './bus';
import { BusMetrics } from './bus.metrics';

const maxQueued = 5000;

interface Queue {
  readonly subscription: Subscription;
  readonly handler: Handler<unknown>;
  readonly waiting: BusMessage<unknown>[];
  running: Promise<void> | undefined;
}

/** The bus of one process: a bounded queue for each consumer. What it holds is gone when the process ends. */
@Injectable()
export class InmemBus extends Bus {
  override readonly durable = false;
  private readonly queues = new Map<string, Queue>();
  private readonly closing = new AbortController();

  constructor(
    private readonly metrics: BusMetrics,
    private readonly logger: PinoLogger,
    private readonly load: Load,
  ) {
    super();
  }

  override async publish<Body>(
    topic: Topic<Body>,
    consumer: string,
    messages: readonly BusMessage<Body>[],
  ): Promise<number> {
    const queue = this.queues.get(keyOf(topic, consumer));
    if (!queue || this.closing.signal.aborted) return 0;
    const taken = messages.slice(0, Math.max(0, maxQueued - queue.waiting.length));
    queue.waiting.push(...taken);
    this.metrics.count('inmem', 'published', taken.length);
    this.metrics.count('inmem', 'refused', messages.length - taken.length);
    queue.running ??= outsideRequests(() => this.run(queue));
    return taken.length;
  }

  override subscribe<Body>(topic: Topic<Body>, subscription: Subscription, handler: Handler<Body>): void {
    const key = keyOf(topic, subscription.consumer);
    if (this.queues.has(key)) throw new Error(`${key} has a consumer already`);
    this.queues.set(key, { subscription, handler: handler as Handler<unknown>, waiting: [], running: undefined });
  }

  override reaches(topic: Topic<unknown>, consumer: string): boolean {
    return this.queues.has(keyOf(topic, consumer));
  }

  override async close(): Promise<void> {
    this.closing.abort();
    await Promise.all([...this.queues.values()].map((queue) => queue.running));
  }

  private async run(queue: Queue): Promise<void> {
    // A turn of the event loop first: what the publisher's tick still brings joins the group.
    await new Promise((resolve) => setImmediate(resolve));
    while (queue.waiting.length > 0 && !this.closing.signal.aborted) {
      const group = queue.waiting.splice(0, queue.subscription.maxGroup);
      const began = performance.now();
      try {
        await queue.handler(group, this.closing.signal);
        this.metrics.count('inmem', 'handled', group.length);
      } catch (error) {
        // The sender still has custody and sends again; without this line nobody would see why.
        this.metrics.count('inmem', 'failed', group.length);
        this.logger.error(
          { err: error, consumer: queue.subscription.consumer, count: group.length },
          'bus_group_failed',
        );
      }
      await this.load.giveWay(performance.now() - began);
    }
    queue.running = undefined;
  }
}

function keyOf(topic: Topic<unknown>, consumer: string): string {
  return `${topic.name} ${consumer}`;
}
