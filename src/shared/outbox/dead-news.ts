import { body, oneOf, reason, text, whole } from '../bus/body';
import { newsOf } from './news';

/**
 * What has become of an announcement that was given up: `parked` when a consumer has given it up, at first or again, and
 * `applied` when it was applied after all.
 */
export interface DeadNews {
  /** Whose outbox it is in, and its number there. */
  readonly feature: string;
  readonly seq: number;
  readonly consumer: string;
  readonly topic: string;
  /** Of the announcement, and why it could not be applied; empty for `applied`. */
  readonly key: string;
  readonly reason: string;
  readonly outcome: 'parked' | 'applied';
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** A consumer is to try an announcement again. */
export interface RedrivenNews {
  readonly feature: string;
  readonly seq: number;
}

/** Every outbox announces it to who lists it for operators. Keyed by the announcement. */
export const deadNews = newsOf<DeadNews>(
  'dead-news',
  body({
    feature: text,
    seq: whole,
    consumer: text,
    topic: text,
    key: text,
    reason,
    outcome: oneOf('parked', 'applied'),
    at: whole,
  }),
  { optional: true },
);

/** To every outbox; keyed by the announcement. */
export const redrivenNews = newsOf<RedrivenNews>('redriven-news', body({ feature: text, seq: whole }), {
  optional: true,
});

/** The key of both. */
export function newsKey({ feature, seq }: RedrivenNews): string {
  return `${feature}/${seq}`;
}

// What is announced about announcements is not announced about in turn.
export const ownTopics: readonly string[] = [deadNews.topic.name, redrivenNews.topic.name];
