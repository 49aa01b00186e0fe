import type { AppError, ErrorDetails } from '../errors/app-error';
import { kinds } from '../errors/kinds';
import { newTraceId } from '../tracing/trace-id';
import { limitHeaders } from './answer-headers';

/** The one error shape over HTTP. */
export interface ErrorBody {
  readonly error: string;
  readonly code: string;
  readonly message: string;
  readonly details?: Pick<ErrorDetails, 'fields' | 'seatIds'>;
  readonly trace_id: string;
}

export function errorBody(error: AppError, traceId: string): ErrorBody {
  const { fields, seatIds } = error.details;
  const details = { ...(fields && { fields }), ...(seatIds && { seatIds }) };
  return {
    error: kinds[error.kind].phrase,
    code: error.code,
    message: error.message,
    ...(fields || seatIds ? { details } : {}),
    trace_id: traceId,
  };
}

/** An answer that has perhaps not begun: what Fastify's reply has, too. */
export interface Replying {
  readonly sent: boolean;
  readonly raw: { readonly headersSent: boolean; readonly destroyed: boolean };
  code(status: number): this;
  type(type: string): this;
  header(name: string, value: string): this;
  headers(headers: Readonly<Record<string, string>>): this;
  removeHeader(name: string): this;
  send(body: string): unknown;
}

// The headers that a handler had set for the answer that it did not get to give.
const ofAnotherBody = ['content-type', 'content-length', 'content-encoding', 'etag', 'cache-control', 'location'];

/**
 * Answers with the error, unless an answer has begun or nobody is there to read one: a second answer on its way would
 * throw in whatever called this.
 */
export function sendError(reply: Replying, error: AppError, traceId: string): void {
  if (reply.sent || reply.raw.headersSent || reply.raw.destroyed) return;
  const { retryAfterMs, allow, upgrade, challenge, limits } = error.details;
  for (const name of ofAnotherBody) reply.removeHeader(name);
  if (retryAfterMs !== undefined) reply.header('retry-after', String(Math.max(1, Math.ceil(retryAfterMs / 1000))));
  // Another process could not tell it from `already_exists`.
  if (error.kind === 'conflict' && retryAfterMs === undefined) reply.header('x-error-kind', error.kind);
  if (allow) reply.header('allow', allow.join(', '));
  if (upgrade) reply.header('upgrade', upgrade).header('connection', 'upgrade, close');
  if (challenge) reply.header('www-authenticate', challenge);
  if (limits) reply.headers(limitHeaders(limits));
  // As text: Fastify chooses how to serialise by a type that the handler may have set.
  const body = JSON.stringify(errorBody(error, traceId || newTraceId()));
  void reply.code(error.httpStatus).type('application/json; charset=utf-8').send(body);
}
