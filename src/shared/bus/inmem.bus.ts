import { Injectable } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { Load } from '../async/load';
import { pause } from '../async/pause';
import { outsideRequests } from '../tracing/request-context';
import { Bus, type BusMessage, type Handler, type Subscription, type Topic } from './bus';
import { BusMetrics } from './bus.metrics';

const maxQueued = 5000;

interface Queue {
  readonly subscription: Subscription;
  readonly handler: Handler<unknown>;
  readonly waiting: BusMessage<unknown>[];
  running: Promise<void> | undefined;
  // When its last group began, monotonic.
  began: number;
}

/** The bus of one process: a bounded queue for each consumer. What it holds is gone when the process ends. */
@Injectable()
export class InmemBus extends Bus {
  private readonly queues = new Map<string, Queue[]>();
  private readonly closing = new AbortController();

  constructor(
    private readonly metrics: BusMetrics,
    private readonly logger: PinoLogger,
    private readonly load: Load,
  ) {
    super();
  }

  override publish<Body>(topic: Topic<Body>, messages: readonly BusMessage<Body>[]): void {
    if (this.closing.signal.aborted) return;
    for (const queue of this.queues.get(topic.name) ?? []) {
      const room = Math.max(0, maxQueued - queue.waiting.length);
      const taken = messages.length <= room ? messages : messages.slice(0, room);
      for (const message of taken) queue.waiting.push(message);
      this.metrics.count('inmem', 'published', taken.length);
      this.metrics.count('inmem', 'refused', messages.length - taken.length);
      queue.running ??= outsideRequests(() => this.run(queue));
    }
  }

  override subscribe<Body>(topic: Topic<Body>, subscription: Subscription, handler: Handler<Body>): void {
    const queues = this.queues.get(topic.name) ?? [];
    if (queues.some((queue) => queue.subscription.consumer === subscription.consumer))
      throw new Error(`${topic.name} has a consumer ${subscription.consumer} already`);
    const began = Number.NEGATIVE_INFINITY;
    queues.push({ subscription, handler: handler as Handler<unknown>, waiting: [], running: undefined, began });
    this.queues.set(topic.name, queues);
  }

  override async close(): Promise<void> {
    this.closing.abort();
    await Promise.all([...this.queues.values()].flat().map((queue) => queue.running));
  }

  private async run(queue: Queue): Promise<void> {
    const { signal } = this.closing;
    // A turn of the event loop first: what the publisher's tick still brings joins the group.
    await new Promise((resolve) => setImmediate(resolve));
    while (queue.waiting.length > 0 && !signal.aborted) {
      const { maxGroup, gatherMs, consumer } = queue.subscription;
      const rest = gatherMs - (performance.now() - queue.began);
      if (rest > 0 && queue.waiting.length < maxGroup) await pause(rest, signal);
      const group = queue.waiting.splice(0, maxGroup);
      queue.began = performance.now();
      try {
        await queue.handler(group);
        this.metrics.count('inmem', 'handled', group.length);
      } catch (error) {
        // Its consumer reads them where they come from; without this line nobody would see why.
        this.metrics.count('inmem', 'failed', group.length);
        this.logger.error({ err: error, consumer, count: group.length }, 'bus_group_failed');
      }
      await this.load.giveWay(performance.now() - queue.began);
    }
    queue.running = undefined;
  }
}
