import type { Trace } from '../tracing/trace';
import type { Numbered } from './place';

/** An event as consumers take it from a log. */
export interface LogEvent extends Numbered, Partial<Trace> {
  /** Its row cannot be read, and this is why: nobody can apply it. */
  readonly fault?: string;
  /** Epoch milliseconds. */
  readonly acceptedAt: number;
}

/** An event that is to be tried again, and the dead letter that it was. */
export interface Redriven<Event> {
  readonly letterId: string;
  readonly event: Event;
}

/** Where a consumer begins that has no place yet; its inbox knows what it applied before it kept places. */
export interface Start {
  readonly seq: number;
  readonly id: string;
  readonly inboxUpTo: number;
}

/** A log as one consumer sees it. Every call @throws AppError unavailable when the log does not answer. */
export interface Log<Event extends LogEvent> {
  /**
   * Up to `limit` events behind a number, in order, and those that were redriven.
   * @throws AppError journal_mismatch when the event at `seq` is not `id`
   */
  read(
    after: { readonly seq: number; readonly id: string },
    limit: number,
  ): Promise<{ readonly events: readonly Event[]; readonly redriven: readonly Redriven<Event>[] }>;
  start(): Promise<Start>;
  /** The number of the last event; 0 while there is none. */
  head(): Promise<number>;
  /** The numbers of the events that this consumer gave up. */
  parked(): Promise<readonly number[]>;
  /** Gives an event up. */
  park(event: Event, reason: string): Promise<void>;
  /** A redriven event was applied, or is given up again. */
  settle(letterId: string, failure?: string): Promise<void>;
}
