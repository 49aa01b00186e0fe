import type { BusMessage } from './bus';
import type { Parcel } from './parcel';

/** One consumer's messages of a topic, as this process gets its share of them. */
export interface Receiver {
  /** Parcels that one call brings at most. */
  readonly most: number;
  /** Waits half a second at most for the next ones. @throws when the broker does not answer */
  receive(): Promise<readonly Parcel[]>;
  /** They are done with, and are not delivered again. */
  settle(parcels: readonly Parcel[]): Promise<void>;
  /** Nobody can handle them: they are put aside where the broker can do that, else settled. */
  reject(parcels: readonly Parcel[]): Promise<void>;
  /** Their handler has failed: they are delivered again, soon. */
  release(parcels: readonly Parcel[]): Promise<void>;
  /** Their handler is still at work: they are not delivered to others for another while. */
  extend(parcels: readonly Parcel[]): Promise<void>;
  close(): Promise<void>;
}

/** A server that carries messages between processes. It may forget them all at any instant. */
export abstract class Broker {
  /** As BUS_KIND names it. */
  abstract readonly kind: string;
  /** Milliseconds after which `extend` is due again. */
  abstract readonly extendEveryMs: number;
  /**
   * For every consumer of the topic. Answers how many were taken: what is larger than the broker can take is not.
   * @throws when it does not take them, or does not say so
   */
  abstract send(topic: string, messages: readonly BusMessage<unknown>[]): Promise<number>;
  /** Asks whether it would take messages of the topic. @throws when it does not answer */
  abstract probe(topic: string): Promise<void>;
  abstract receiver(topic: string, consumer: string): Promise<Receiver>;
  abstract close(): Promise<void>;
}
