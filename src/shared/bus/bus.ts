/** A message: `key` orders messages (all of one key to one consumer in order), `body` is plain JSON data. */
export interface BusMessage<Body> {
  readonly key: string;
  readonly body: Body;
}

/** A named kind of news and the type of its body. Declared in a feature's `*.events.ts`. */
export interface Topic<Body> {
  readonly name: string;
  /** Never set; carries the type. */
  readonly body?: Body;
}

/**
 * Handles a group of messages, 1 to `maxGroup`. When it resolves, the group is done with, whatever became of it: custody
 * is the sender's, not the bus's. When `closing` fires, it gives up what it has not begun.
 */
export type Handler<Body> = (messages: readonly BusMessage<Body>[], closing: AbortSignal) => Promise<void>;

export interface Subscription {
  readonly consumer: string;
  readonly maxGroup: number;
}

/**
 * Transport between features, in one process or several. The promise is small: a message that `publish` took is
 * delivered to each named consumer at least once unless the bus dies, and nothing is queued beyond a bound. Whoever
 * needs more keeps the message until it is confirmed, as the events gateway does.
 */
export abstract class Bus {
  /** True when published messages survive the end of this process. */
  abstract readonly durable: boolean;
  /**
   * Hands messages to one consumer.
   * @returns how many, from the front, were taken; fewer than all when its queue is full.
   */
  abstract publish<Body>(topic: Topic<Body>, consumer: string, messages: readonly BusMessage<Body>[]): Promise<number>;
  /** One consumer's groups are handled one after another. */
  abstract subscribe<Body>(topic: Topic<Body>, subscription: Subscription, handler: Handler<Body>): void;
  /** True when somebody consumes this here; a bus between processes always answers true. */
  abstract reaches(topic: Topic<unknown>, consumer: string): boolean;
  /** Takes no more and waits until what is being handled is done; the rest is dropped. */
  abstract close(): Promise<void>;
}
