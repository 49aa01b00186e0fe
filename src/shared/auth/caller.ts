import { forbidden, tokenInvalid } from '../errors/common.errors';
import { currentContext, type RequestContext, runInContext } from '../tracing/request-context';

/** A player's token that was presented. */
export interface PresentedToken {
  /** Its own id, by which it can be revoked. */
  readonly jti: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/**
 * Who calls. `developer`: nobody in particular, on the developer's own machine. `internal`: an operator or another process,
 * with the secret. `player` and `admin` are users: `token` is missing where another process speaks for a player.
 */
export type Caller =
  | { readonly kind: 'anonymous' | 'developer' | 'internal' }
  | { readonly kind: 'player' | 'admin'; readonly id: string; readonly token?: PresentedToken };

const internal: Caller = { kind: 'internal' };
const callers = new WeakMap<RequestContext, Caller>();

/** Says who calls in this request: the guard, once, on every wire. */
export function nameCaller(caller: Caller): void {
  const context = currentContext();
  if (context) callers.set(context, caller);
}

/** Whether the guard has said who calls in this request. */
export function hasCaller(): boolean {
  const context = currentContext();
  return context !== undefined && callers.has(context);
}

/**
 * Who calls. Outside of any request it is this process itself. @throws AppError forbidden in a request that passed no
 * guard: what forgets to ask must not be taken for somebody who may do everything.
 */
export function currentCaller(): Caller {
  const context = currentContext();
  if (!context) return internal;
  const caller = callers.get(context);
  if (!caller) throw forbidden();
  return caller;
}

/** Runs `work` as this process itself, whoever calls: for what it has to know before, or beyond, what the caller may. */
export function asInternal<T>(work: () => T): T {
  const context = currentContext();
  if (!context) return work();
  const own = { ...context };
  callers.set(own, internal);
  return runInContext(own, work);
}

/**
 * The one player whose data this call may touch; undefined: anybody's. Goes into the WHERE clause of whatever reads or
 * changes what players own (`ownedBy`), so that somebody else's data is not there. @throws AppError token_invalid
 */
export function restrictedTo(): string | undefined {
  const caller = currentCaller();
  if (caller.kind === 'anonymous') throw tokenInvalid();
  return caller.kind === 'player' ? caller.id : undefined;
}

/** The token that this call came with. @throws AppError token_invalid when it came without. */
export function presentedToken(): { readonly userId: string; readonly role: 'player' | 'admin' } & PresentedToken {
  const caller = currentCaller();
  if ((caller.kind === 'player' || caller.kind === 'admin') && caller.token)
    return { userId: caller.id, role: caller.kind, ...caller.token };
  throw tokenInvalid();
}

/** A name for the caller that no other caller has: whose idempotency keys these are. */
export function principalOf(caller: Caller): string {
  return 'id' in caller ? `sub:${caller.id}` : caller.kind;
}
