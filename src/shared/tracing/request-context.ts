import { AsyncLocalStorage } from 'node:async_hooks';
import type { Span } from './span';

/** A player's token that was presented. */
export interface PresentedToken {
  /** Its own id, by which it can be revoked. */
  readonly jti: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/**
 * The caller. `developer`: nobody in particular, on the developer's own machine. `internal`: an operator or another process,
 * with the secret; or this process itself. `player` and `admin` are users: `token` is missing where another process speaks
 * for a player.
 */
export type Caller =
  | { readonly kind: 'anonymous' | 'developer' | 'internal' }
  | { readonly kind: 'player' | 'admin'; readonly id: string; readonly token?: PresentedToken };

/** The context of the request being served. */
export interface RequestContext {
  readonly traceId: string;
  /** The address that the request came from: of the client, where proxies or other processes are trusted to tell it. */
  peer?: string;
  /** Through how many processes it has come. */
  hops?: number;
  /** When whoever asked no longer waits, on the monotonic clock. */
  readonly ends?: number;
  /** What is done here is part of this span. Null: this trace is not recorded, and nobody who is asked is to record it. */
  readonly span?: Span | null | undefined;
  /** Set once, by the guard. */
  caller?: Caller;
}

// Costs 13 % of a bare request: `POST /events` goes without and hands its trace id on by parameter.
const storage = new AsyncLocalStorage<RequestContext | undefined>();

export function runInContext<T>(context: RequestContext, work: () => T): T {
  return storage.run(context, work);
}

/**
 * Runs what serves many requests, or none: a group, a queue, a loop. It must not run as whoever came first, with the rights
 * and under the trace id of one request.
 */
export function outsideRequests<T>(work: () => T): T {
  return storage.getStore() === undefined ? work() : storage.run(undefined, work);
}

export function currentContext(): RequestContext | undefined {
  return storage.getStore();
}
