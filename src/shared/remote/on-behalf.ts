import { currentCaller } from '../auth/caller';
import { anonymousSubject, behalfHeaders } from '../auth/credentials';
import { type Caller, currentContext } from '../tracing/request-context';

/**
 * Who has called this process, as it tells another one beside the internal secret. Without a request whose caller was named
 * it is nobody in particular, who has no rights. The developer has all, as an operator has.
 */
export function onBehalf(): Record<string, string> {
  const context = currentContext();
  const caller: Caller = context ? currentCaller() : { kind: 'anonymous' };
  const headers: Record<string, string> = {};
  if (caller.kind === 'anonymous') headers[behalfHeaders.subject] = anonymousSubject;
  if ('id' in caller) {
    headers[behalfHeaders.subject] = caller.id;
    if (caller.kind === 'admin') headers[behalfHeaders.role] = 'admin';
    if (caller.token) headers[behalfHeaders.token] = `${caller.token.jti} ${caller.token.expiresAt}`;
  }
  if (context?.peer !== undefined) headers[behalfHeaders.clientAddress] = context.peer;
  headers[behalfHeaders.hops] = String((context?.hops ?? 0) + 1);
  return headers;
}
