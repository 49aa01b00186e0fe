import { z } from 'zod';
import { absentOrText, reason, text, whole } from '../bus/body';
import type { Topic } from '../bus/bus';

/** An announcement on its way to one consumer. */
export interface Sent<Body> {
  readonly consumer: string;
  /** Whose outbox it is in: several features may announce the same. */
  readonly from: string;
  /** Its number in the outbox, unique there. */
  readonly seq: number;
  /** The number of the announcement before it, of the same key and to the same consumer; 0: there is none to wait for. */
  readonly afterSeq: number;
  /** When it was announced, and when this copy was sent. Milliseconds since 1970. */
  readonly createdAt: number;
  readonly sentAt: number;
  /** Everything to this consumer that was announced before this time was handled. */
  readonly floor: number;
  /** How often the consumer has given it up, and is to try again. */
  readonly redriven: number;
  /** Of whoever has announced it; see writeTrace. Missing or empty: nobody records it. */
  readonly trace?: string;
  readonly body: Body;
}

/** What a consumer has done with an announcement: applied it or, with a reason, given it up. */
export interface Handled {
  readonly consumer: string;
  /** Whose outbox it is in. */
  readonly from: string;
  readonly seq: number;
  /** Of the copy that was handled. */
  readonly redriven: number;
  readonly parked?: string;
}

/**
 * A kind of announcements of a feature. Declared in its `*.events.ts`; the feature announces `topic` and hears `handled`, and
 * its consumers the other way round.
 */
export interface News<Body> {
  readonly topic: Topic<Sent<Body>>;
  readonly handled: Topic<Handled>;
}

const handled = z.object({ consumer: text, from: text, seq: whole, redriven: whole, parked: reason.exactOptional() });

/**
 * `name`: of the topic, unique in the system. `schema`: of what is announced. `optional`: a consumer runs also where it cannot
 * hear whoever announces it.
 */
export function newsOf<Body>(name: string, schema: z.ZodType<Body>, { optional = false } = {}): News<Body> {
  const sent = z.object({
    consumer: text,
    from: text,
    seq: whole,
    afterSeq: whole,
    createdAt: whole,
    sentAt: whole,
    floor: whole,
    redriven: whole,
    trace: absentOrText,
    body: schema,
  });
  return {
    topic: { name, schema: sent, optional },
    handled: { name: `${name}-handled`, schema: handled, optional },
  };
}
