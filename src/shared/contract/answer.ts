import { hash } from 'node:crypto';
import type { LimitLeft } from '../errors/app-error';

/** The facts of an answer beside its message. Each wire spells it in headers or trailers (answer-headers.ts). */
export interface AnswerFacts {
  /** The version of what the message tells: for a change that is meant for it, and for asking whether it has changed. */
  readonly version?: number | string;
  /** Caches may keep it: and ask each time whether it has changed, or for good, since this request has no other answer. */
  readonly cache?: 'ask' | 'final';
  /** Nothing new was done: the effect is an earlier request's, or the whole answer is (with an idempotency key). */
  readonly replayed?: 'effect' | 'answer';
  /** The caller's rest of each limit. */
  readonly limits?: readonly LimitLeft[];
  /** No cache may keep it. */
  readonly secret?: true;
  /** The message as JSON, where it has been made already. */
  readonly json?: string;
}

const facts = Symbol('facts');

/** A message with its facts, which no serialisation and no copy carries on. */
export type Answer<Body extends object> = Body & { readonly [facts]?: AnswerFacts };

/** A copy of `body` that says these facts. */
export function answer<Body extends object>(body: Body, said: AnswerFacts): Answer<Body> {
  return Object.defineProperty({ ...body }, facts, { value: said });
}

const none: AnswerFacts = {};

export function factsOf(body: object): AnswerFacts {
  return (body as Answer<object>)[facts] ?? none;
}

/** A public answer, whose version is a digest: the same as long as it says the same, whichever process gives it. */
export function cacheable<Body extends object>(body: Body, cache: 'ask' | 'final'): Answer<Body> {
  const json = JSON.stringify(body);
  return answer(body, { version: hash('sha256', json, 'base64url').slice(0, 22), cache, json });
}

/** A message as JSON. */
export function jsonOf(body: unknown): string {
  const made = typeof body === 'object' && body !== null ? factsOf(body).json : undefined;
  return made ?? JSON.stringify(body);
}
