import type { ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { PinoLogger } from 'nestjs-pino';
import { detach } from '../async/guarded';
import type { Peers } from '../connections/peers';
import { factsOf } from '../contract/answer';
import { headersOf } from '../contract/answer-headers';
import type { RouteTable } from '../contract/route-table';
import type { AppError } from '../errors/app-error';
import { methodNotAllowed, routeNotFound, validationFailed } from '../errors/common.errors';
import type { Lifecycle } from '../lifecycle/lifecycle';
import { type RequestContext, runInContext } from '../tracing/request-context';
import type { Span } from '../tracing/span';
import { traceIdFrom } from '../tracing/trace-id';
import type { Tracing } from '../tracing/tracing';
import { logAnswer } from './http.access-log';
import { HandlerDeadline, handlerLimitMs } from './http.deadline';
import type { HttpMetrics } from './http.metrics';
import { recordHttp } from './http.span';

export interface HttpHooks {
  readonly metrics: HttpMetrics;
  readonly logger: PinoLogger;
  /** While the process drains, every answer closes its connection. */
  readonly lifecycle: Lifecycle;
  readonly peers: Peers;
  readonly tracing: Tracing;
  /** The URL by which callers reach this process; undefined where they use the address that it listens at. */
  readonly publicUrl: string | undefined;
}

/** Adds the hooks around every HTTP request: trace id, answer headers, deadline, metrics, access log. */
export function addHttpHooks(fastify: FastifyInstance, hooks: HttpHooks): void {
  const { publicUrl } = hooks;
  const deadline = new HandlerDeadline(handlerLimitMs, (error) => hooks.logger.error({ err: error }, 'request_failed'));
  fastify.addHook('onClose', async () => deadline.close());
  fastify.decorateRequest('traceId', '');
  fastify.decorateRequest('span', undefined);
  fastify.addHook('onRequest', (request, reply, done) => {
    const { headers } = request;
    request.traceId = traceIdFrom(headers.traceparent, headers['x-trace-id']);
    reply.header('x-trace-id', request.traceId);
    request.span = spanOf(request, reply.raw, hooks.tracing);
    const { held, phase } = hooks.lifecycle;
    if (phase === 'draining') reply.header('connection', 'close');
    if (isEmpty(request)) delete headers['content-type'];
    if (held !== undefined) detach(held.then(() => runInContext(contextOf(request, hooks.peers), done)));
    else if (request.routeOptions.config.entry?.route?.hot) done();
    else runInContext(contextOf(request, hooks.peers), done);
  });
  // Not before the body is here: it has a limit of its own.
  fastify.addHook('preHandler', (request, reply, done) => {
    if (!request.routeOptions.config.endless) deadline.begin(request, reply, request.traceId);
    done();
  });
  fastify.addHook('preSerialization', (request, reply, payload, done) => {
    const { entry } = request.routeOptions.config;
    if (entry && typeof payload === 'object' && payload !== null) {
      const headers = headersOf(payload, entry);
      // Paths of ours are no paths of the caller's where a proxy puts a prefix before them.
      if (publicUrl !== undefined && headers.location) headers.location = publicUrl + headers.location;
      reply.code(factsOf(payload).replayed === 'effect' ? 200 : entry.status).headers(headers);
    }
    done(null, payload);
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    deadline.end(request);
    if (request.traceId !== hooks.lifecycle.warmUpTraceId) hooks.metrics.observe(request, reply);
    const { traceId, method, routeOptions } = request;
    const { statusCode: status, elapsedTime: durationMs } = reply;
    const { url: path = 'unmatched', config } = routeOptions;
    logAnswer(hooks.logger, { traceId, method, path, status, durationMs, endless: config.endless ?? false });
    done();
  });
}

/**
 * Refuses requests that no route serves and callers without the right, after the hooks that give every answer its headers
 * and before a byte of the body is read. `admit` throws, or rejects, for a caller without the right.
 */
export function admitRequests(
  fastify: FastifyInstance,
  routes: RouteTable,
  admit: (request: FastifyRequest) => true | Promise<true>,
): void {
  fastify.addHook('onRequest', (request, _reply, done) => {
    if (hosts(request.raw.rawHeaders) !== 1 && request.raw.httpVersion === '1.1') throw hostMissing();
    if (request.is404) throw unmatched(request, routes);
    const entry = request.routeOptions.config.entry;
    // OPTIONS tells a browser what it may ask, and has no caller yet.
    const open = entry?.route?.hot === true || request.method === 'OPTIONS';
    const admitted = open || admit(request);
    if (admitted === true) done();
    else admitted.then(() => done(), done);
  });
}

/** True when no body was announced; its Content-Type then means nothing. */
function isEmpty({ headers }: FastifyRequest): boolean {
  const length = headers['content-length'];
  return (length === undefined || length === '0') && headers['transfer-encoding'] === undefined;
}

/** The number of Host headers: Node keeps the first and hides the others. Source: RFC 9112, 3.2 */
export function hosts(rawHeaders: readonly string[]): number {
  let found = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    if (name.length === 4 && name.toLowerCase() === 'host') found += 1;
  }
  return found;
}

export function hostMissing(): AppError {
  return validationFailed([{ field: 'Host', message: 'must be given once' }]);
}

function contextOf({ traceId, span, raw, headers, routeOptions }: FastifyRequest, peers: Peers): RequestContext {
  const peer = peers.of(raw.socket.remoteAddress, headers['x-forwarded-for']?.toString());
  if (routeOptions.config.endless) return { traceId, span, peer };
  return { traceId, span, peer, ends: performance.now() + handlerLimitMs };
}

/** What lasts as long as the caller listens is not recorded: its span would never be seen. */
function spanOf(
  { method, traceId, headers, routeOptions: { url: path = 'unmatched', config } }: FastifyRequest,
  response: ServerResponse,
  tracing: Tracing,
): Span | null | undefined {
  if (config.endless) return null;
  return recordHttp(tracing, { method, path, traceId, traceparent: headers.traceparent }, response);
}

function unmatched(request: FastifyRequest, routes: RouteTable): Error {
  const path = request.url.split('?', 1)[0] ?? '';
  const methods = routes.methodsOf(path);
  return methods.length > 0 ? methodNotAllowed(methods) : routeNotFound();
}
