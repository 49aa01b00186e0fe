import type { ServerResponse } from 'node:http';
import { guarded } from '../async/guarded';
import type { Span } from '../tracing/span';
import type { Tracing } from '../tracing/tracing';

export interface RecordedRequest {
  readonly method: string;
  /** The route's template: what a caller put into the path is nobody's business. */
  readonly path: string;
  readonly traceId: string;
  readonly traceparent: unknown;
}

/** The span of a request, if it is recorded; it ends with the answer, or when the caller has left. */
export function recordHttp(
  tracing: Tracing,
  { method, path, traceId, traceparent }: RecordedRequest,
  response: ServerResponse,
): Span | null | undefined {
  const named = { 'http.request.method': method, 'http.route': path };
  const span = tracing.request(`${method} ${path}`, traceId, traceparent, named);
  if (!span) return span;
  const end = (): void => {
    const { statusCode, writableFinished } = response;
    const failed = writableFinished ? statusCode >= 500 && String(statusCode) : 'cancelled';
    span.end(failed || undefined, { 'http.response.status_code': statusCode });
  };
  response.once('close', guarded(end));
  return span;
}
