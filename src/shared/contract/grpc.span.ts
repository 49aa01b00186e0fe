import { type Metadata, status } from '@grpc/grpc-js';
import type { Span } from '../tracing/span';
import { traceIdFrom } from '../tracing/trace-id';
import type { Tracing } from '../tracing/tracing';

const idKey = 'x-trace-id';
const spanKey = 'x-span-id';
// What a caller may hear for a reason of its own; the others are ours.
const ours: ReadonlySet<number> = new Set([
  status.UNKNOWN,
  status.DEADLINE_EXCEEDED,
  status.UNIMPLEMENTED,
  status.INTERNAL,
  status.UNAVAILABLE,
  status.DATA_LOSS,
]);

/**
 * The trace of a call that has come in, and its span if it is recorded; both are left in the metadata for a handler without a
 * request context. `path`: of a unary call; a stream is not recorded, its span would not be seen before it ends.
 */
export function stampTrace(
  tracing: Tracing,
  path: string | undefined,
  metadata: Metadata,
): { readonly traceId: string; readonly span: Span | null | undefined } {
  const [traceparent] = metadata.get('traceparent');
  const traceId = traceIdFrom(traceparent, metadata.get(idKey)[0]);
  const span = path === undefined ? null : tracing.request(path.slice(1), traceId, traceparent, named(path));
  metadata.set(idKey, traceId);
  // A caller does not say which span is ours.
  metadata.remove(spanKey);
  if (span) metadata.set(spanKey, span.spanId);
  return { traceId, span };
}

/** What `stampTrace` has left there. */
export function stampedTrace(metadata: Metadata): { readonly traceId: string; readonly spanId: string | undefined } {
  return { traceId: String(metadata.get(idKey)[0]), spanId: metadata.get(spanKey)[0]?.toString() };
}

export function endSpan(span: Span | null | undefined, code: number): void {
  const name = status[code] ?? String(code);
  span?.end(ours.has(code) ? name : undefined, { 'rpc.response.status_code': name });
}

function named(path: string) {
  return { 'rpc.system.name': 'grpc', 'rpc.method': path.slice(1) };
}
