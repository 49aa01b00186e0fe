import type { ChannelCredentials } from '@grpc/grpc-js';
import { DelegateBackoff, handleWhen, retry } from 'cockatiel';
import { type AnswerFacts, answer } from '../contract/answer';
import { factsOfHeaders } from '../contract/answer-headers';
import type { CallMeta, Contract, Route } from '../contract/contract';
import type { AppError } from '../errors/app-error';
import { deadlineExceeded } from '../errors/common.errors';
import { toAppError } from '../errors/to-app-error';
import { inSpan } from '../tracing/in-span';
import { currentContext } from '../tracing/request-context';

export interface RemoteOptions {
  /** For a whole call, all its tries and pauses included. Milliseconds; 10,000 unless told. */
  readonly deadlineMs?: number;
  /** Goes after `Authorization: Bearer`: an internal secret or a player's token. */
  readonly bearer?: string;
  /** Further headers, or metadata, of a call that is made now. */
  readonly headers?: () => Readonly<Record<string, string>>;
  /** Of a call that answers a replay as if it were the first time: its whole answer is that of an earlier request. */
  readonly replays?: (method: string) => Replays;
  /** The credentials of `grpcs`; the machine's authorities unless told. */
  readonly tls?: () => ChannelCredentials;
  /** The one to connect to of the addresses that the name has; unless told they take turns. */
  readonly machine?: string;
  /** Asked before each further try; none is made after a no. */
  readonly mayRetry?: () => boolean;
}

/** What is an earlier request's when an answer is a replay; see AnswerFacts. */
export type Replays = NonNullable<AnswerFacts['replayed']>;

/** The answer with the facts that its headers or trailers tell. */
export function withFacts(body: object, header: (name: string) => string | undefined, replays: Replays): object {
  const facts = factsOfHeaders(header, replays);
  return Object.keys(facts).length === 0 ? body : answer(body, facts);
}

/** The calls of a contract, answered by another process. Every failure is an AppError, the same over both wires. */
export type Remote<Api extends object> = Api & AsyncDisposable;

/** Sends one message once. It must have settled after `ms` milliseconds. */
export type Send = (method: string, route: Route, message: object, meta: CallMeta, ms: number) => Promise<object>;

export const defaultDeadlineMs = 10_000;
const maxTries = 3;
const firstPauseMs = 100;

/** An object with the contract's methods, each of which sends its message with a deadline and, where safe, retries. */
export function remote<Api extends object>(
  contract: Contract<Api>,
  send: Send,
  close: () => Promise<void>,
  options: RemoteOptions,
): Remote<Api> {
  const { deadlineMs = defaultDeadlineMs, mayRetry = () => true } = options;
  const calls = Object.entries<Route>(contract.routes).map(([method, route]) => {
    const call = (message: object, meta: CallMeta = {}): Promise<object> => {
      const tries = route.retry || meta.idempotencyKey !== undefined ? maxTries : 1;
      const patience = Math.min(deadlineMs, (currentContext()?.ends ?? Number.POSITIVE_INFINITY) - performance.now());
      const name = `${contract.proto.package}.${contract.proto.service}/${method}`;
      const ask = () => persist((ms) => send(method, route, message, meta, ms), { tries, patience, mayRetry });
      return inSpan(name, 'client', { 'rpc.method': name }, ask);
    };
    return [method, call] as const;
  });
  return Object.assign(Object.fromEntries(calls), { [Symbol.asyncDispose]: close }) as unknown as Remote<Api>;
}

interface Patience {
  readonly tries: number;
  /** Milliseconds in all. */
  readonly patience: number;
  readonly mayRetry: () => boolean;
}

/** Tries again while the server is unavailable and a further try would begin before the deadline. @throws AppError the last one */
function persist(attempt: (ms: number) => Promise<object>, { tries, patience, mayRetry }: Patience): Promise<object> {
  const ends = performance.now() + patience;
  let tried = 0;
  let pause = 0;
  // cockatiel decides before it knows the pause, so the pause is made together with the decision.
  const again = handleWhen((error) => {
    tried += 1;
    pause = pauseAfter(error as AppError, tried);
    const inTime = tried < tries && performance.now() + pause < ends;
    return inTime && (error as AppError).kind === 'unavailable' && mayRetry();
  });
  const policy = retry(again, { maxAttempts: tries - 1, backoff: new DelegateBackoff(() => pause) });
  return policy.execute(async () => {
    const left = ends - performance.now();
    if (left <= 0) throw deadlineExceeded();
    try {
      return await attempt(left);
    } catch (thrown) {
      throw toAppError(thrown);
    }
  });
}

/** Doubling, with jitter so that callers do not come back as one; never before the server said. */
function pauseAfter(error: AppError, tried: number): number {
  const pause = firstPauseMs * 2 ** (tried - 1) * (0.5 + Math.random());
  // With a cause it was the connection that failed: no server has named a time.
  const asked = error.cause === undefined ? error.details.retryAfterMs : undefined;
  return Math.max(pause, asked ?? 0);
}
