import type { CallMeta } from '../contract/contract';
import { currentContext } from '../tracing/request-context';
import { traceparentOf, unrecordedParent } from '../tracing/trace';
import { isTraceId } from '../tracing/trace-id';

/** What tells another process the trace of a call, and whether it is recorded. */
export function traceHeaders({ trace }: CallMeta): Record<string, string> {
  const context = currentContext();
  const { traceId, spanId } = trace ?? { traceId: context?.traceId, spanId: context?.span?.spanId };
  if (traceId === undefined) return {};
  if (spanId !== undefined) return { 'x-trace-id': traceId, traceparent: traceparentOf(traceId, spanId) };
  const isDecided = context?.span === null && isTraceId(traceId);
  return { 'x-trace-id': traceId, ...(isDecided && { traceparent: unrecordedParent(traceId) }) };
}
