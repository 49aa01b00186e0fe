import type { z } from 'zod';

/** A message: `key` orders messages (all of one key to one consumer in order), `body` is plain JSON data. */
export interface BusMessage<Body> {
  readonly key: string;
  readonly body: Body;
}

/** A named kind of news and what its bodies look like. Declared in a feature's `*.events.ts`. */
export interface Topic<Body> {
  readonly name: string;
  /** What comes from another process is checked by it: that may be an older or a newer version, or somebody else. */
  readonly schema: z.ZodType<Body>;
  /** Whoever hears it runs also where it cannot. */
  readonly optional?: boolean;
}

/** Handles a group of messages, 1 to `maxGroup`. What it rejects comes again, if the bus can do that, a few times. */
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
  /** Hands messages on, by and by. Never waits, never throws; what there is no room for is not sent. */
  abstract publish<Body>(topic: Topic<Body>, messages: readonly BusMessage<Body>[]): void;
  /** One consumer's groups are handled one after another; processes with the same consumer share its messages. */
  abstract subscribe<Body>(topic: Topic<Body>, subscription: Subscription, handler: Handler<Body>): void;
  /** Takes no more and waits until what is being handled is done; the rest is dropped. */
  abstract close(): Promise<void>;
}
