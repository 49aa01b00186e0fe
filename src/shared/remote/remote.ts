import { DelegateBackoff, handleWhen, retry } from 'cockatiel';
import type { CallMeta, Contract, Route } from '../contract/contract';
import type { AppError } from '../errors/app-error';
import { toAppError } from '../errors/to-app-error';

export interface RemoteOptions {
  /** For a whole call, all its tries and pauses included. Milliseconds; 10,000 unless told. */
  readonly deadlineMs?: number;
  /** Goes after `Authorization: Bearer`: an internal secret or a player's token. */
  readonly bearer?: string;
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
  const { deadlineMs = defaultDeadlineMs } = options;
  const calls = Object.entries<Route>(contract.routes).map(([method, route]) => {
    const call = (message: object, meta: CallMeta = {}): Promise<object> => {
      const tries = route.retry || meta.idempotencyKey !== undefined ? maxTries : 1;
      return persist((ms) => send(method, route, message, meta, ms), tries, deadlineMs);
    };
    return [method, call] as const;
  });
  return Object.assign(Object.fromEntries(calls), { [Symbol.asyncDispose]: close }) as unknown as Remote<Api>;
}

/** Tries again while the server is unavailable and a further try would begin before the deadline. @throws AppError the last one */
function persist(attempt: (ms: number) => Promise<object>, tries: number, deadlineMs: number): Promise<object> {
  const ends = performance.now() + deadlineMs;
  let tried = 0;
  let pause = 0;
  // cockatiel decides before it knows the pause, so the pause is made together with the decision.
  const again = handleWhen((error) => {
    tried += 1;
    pause = pauseAfter(error as AppError, tried);
    return (error as AppError).kind === 'unavailable' && performance.now() + pause < ends;
  });
  const policy = retry(again, { maxAttempts: tries - 1, backoff: new DelegateBackoff(() => pause) });
  return policy.execute(async () => {
    try {
      return await attempt(ends - performance.now());
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
