import { isIP } from 'node:net';
import { forbidden, internal, misrouted, tokenInvalid } from '../errors/common.errors';
import { type Caller, currentContext, type PresentedToken, runInContext } from '../tracing/request-context';
import { newTraceId } from '../tracing/trace-id';

// From a gateway to a feature, from there to one that it needs; whatever is longer goes in circles.
const maxHops = 5;

const thisProcess: Caller = { kind: 'internal' };

/** Says who calls in this request: the guard, once, on every wire. Nobody is named where there is no context. */
export function nameCaller(caller: Caller): void {
  const context = currentContext();
  if (context) context.caller = caller;
}

/** Says from where the client has called whoever calls here. What is no address is left out. */
export function nameClient(address: string): void {
  const context = currentContext();
  if (context && isIP(address) !== 0) context.peer = address;
}

/** Takes in through how many processes a call has come, so that none goes in circles. @throws AppError misrouted */
export function countHops(said: string): void {
  const hops = /^\d{1,3}$/.test(said) ? Number(said) : maxHops;
  if (hops >= maxHops) throw misrouted();
  const context = currentContext();
  if (context) context.hops = hops;
}

/** True when the guard has named the caller of this request. */
export function hasCaller(): boolean {
  return currentContext()?.caller !== undefined;
}

/**
 * Answers the caller. @throws AppError forbidden in a request whose caller nobody named, internal outside of any request:
 * code that forgets to ask, or runs by itself without `asInternal`, must not be taken for somebody who may do everything.
 */
export function currentCaller(): Caller {
  const context = currentContext();
  if (!context) throw internal(new Error('Nobody was named as the caller of work that runs by itself'));
  if (!context.caller) throw forbidden();
  return context.caller;
}

/** Runs `work` as this process itself: for what runs by itself, and for what it has to know beyond what the caller may. */
export function asInternal<T>(work: () => T): T {
  return runInContext({ ...(currentContext() ?? { traceId: newTraceId() }), caller: thisProcess }, work);
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
