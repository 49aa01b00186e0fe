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

/** Handles a group of messages, 1 to `maxGroup`. When it resolves, the group is done with, whatever became of it. */
export type Handler<Body> = (messages: readonly BusMessage<Body>[]) => Promise<void>;

export interface Subscription {
  readonly consumer: string;
  readonly maxGroup: number;
  /** Milliseconds from one group to the next that is not full; who comes alone does not wait. */
  readonly gatherMs: number;
}

/**
 * Transport between features, in one process or several: it may lose messages, repeat them and bring them in any order, and
 * holds no more than a bound. Whoever needs more reads where they come from, as consumers read the journal.
 */
export abstract class Bus {
  /** Hands messages to every consumer of the topic. Never waits for them; what a consumer has no room for it does not get. */
  abstract publish<Body>(topic: Topic<Body>, messages: readonly BusMessage<Body>[]): Promise<void>;
  /** One consumer's groups are handled one after another. */
  abstract subscribe<Body>(topic: Topic<Body>, subscription: Subscription, handler: Handler<Body>): void;
  /** Takes no more and waits until what is being handled is done; the rest is dropped. */
  abstract close(): Promise<void>;
}
