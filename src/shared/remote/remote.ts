import { setTimeout as delay } from 'node:timers/promises';
import type { CallMeta, Contract, Route } from '../contract/contract';
import type { AppError } from '../errors/app-error';
import { toAppError } from '../errors/to-app-error';

export interface RemoteOptions {
  /** For a whole call, all its tries and pauses included. Milliseconds; 10,000 unless told. */
  readonly deadlineMs?: number;
  /** What goes after `Authorization: Bearer`: an internal secret or a player's token. */
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

async function persist(attempt: (ms: number) => Promise<object>, tries: number, deadlineMs: number): Promise<object> {
  const ends = performance.now() + deadlineMs;
  for (let tried = 1; ; tried += 1) {
    try {
      return await attempt(ends - performance.now());
    } catch (thrown) {
      const error = toAppError(thrown);
      const pause = pauseAfter(error, tried);
      if (error.kind !== 'unavailable' || tried >= tries || performance.now() + pause >= ends) throw error;
      await delay(pause);
    }
  }
}

/** Doubling, with jitter so that callers do not come back as one; never before the server said. */
function pauseAfter(error: AppError, tried: number): number {
  const pause = firstPauseMs * 2 ** (tried - 1) * (0.5 + Math.random());
  // With a cause it was the connection that failed: no server has named a time.
  const asked = error.cause === undefined ? error.details.retryAfterMs : undefined;
  return Math.max(pause, asked ?? 0);
}
