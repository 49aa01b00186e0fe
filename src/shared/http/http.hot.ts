import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import { guarded, type Settle } from '../async/guarded';
import type { Unfinished } from '../connections/unfinished';
import { factsOf } from '../contract/answer';
import { headersOf } from '../contract/answer-headers';
import type { ErrorFilter } from '../contract/error.filter';
import type { Replying } from '../contract/http.error-body';
import type { RouteEntry } from '../contract/route-table';
import { readSigned, type SignedCall, type SignedSpelling } from '../contract/signed-call';
import type { Trace } from '../tracing/trace';
import { traceIdFrom } from '../tracing/trace-id';
import { logAnswer } from './http.access-log';
import { readBody } from './http.body';
import { HandlerDeadline, handlerLimitMs } from './http.deadline';
import { hosts } from './http.hooks';
import { type HotRead, type HotReadParts, HotReads } from './http.hot-reads';
import type { ObserveRoute } from './http.metrics';
import { recordHttp } from './http.span';

/** Serves a signed call; `settle` is called once, and nothing throws. */
export type HotHandler = (call: SignedCall, trace: Trace, settle: Settle<object>) => void;

/** What is served before Fastify's router, filled by its features at start: signed calls, and reads whose answer is in memory. */
@Injectable()
export class HotRoutes {
  readonly handlers = new Map<string, HotHandler>();
  /** By path. */
  readonly reads = new Map<string, HotRead>();

  add(route: string, handler: HotHandler): void {
    this.handlers.set(route, handler);
  }

  /** Of a public read alone: nobody is asked who calls. */
  addRead(path: string, read: HotRead): void {
    this.reads.set(path, read);
  }
}

export interface HotParts extends HotReadParts {
  readonly unfinished: Unfinished;
  readonly filter: ErrorFilter;
}

interface HotRoute {
  readonly path: string;
  readonly entry: RouteEntry;
  readonly signed: SignedSpelling;
  readonly bodyLimit: number;
  readonly handler: HotHandler;
  readonly observe: ObserveRoute;
}

/**
 * Puts hot routes before Fastify. Only requests in the plainest form go this way, and get the answer that Fastify's way
 * has, header by header; all others are Fastify's: whatever is unusual is refused, drained or logged in one place.
 */
export function serveHot(fastify: FastifyInstance, hot: HotRoutes, parts: HotParts): void {
  const server: Server = fastify.server;
  const [serve] = server.listeners('request') as ((request: IncomingMessage, response: ServerResponse) => void)[];
  if (serve === undefined) throw new Error('The HTTP server has no handler yet');
  const { logger, metrics, routes } = parts;
  const deadline = new HandlerDeadline(handlerLimitMs, (error) => logger.error({ err: error }, 'request_failed'));
  fastify.addHook('onClose', async () => deadline.close());
  const byPath = new Map<string, HotRoute>();
  server.removeAllListeners('request');
  const reads = new HotReads(hot.reads, parts);
  const take = (request: IncomingMessage, response: ServerResponse): void => {
    if (request.method === 'GET' && reads.answer(request, response)) return;
    const route = request.method === 'POST' ? routeOf(request.url ?? '') : undefined;
    if (route && isPlain(request, route.bodyLimit, parts))
      new HotRequest(request, response, route, parts, deadline).begin();
    else serve.call(server, request, response);
  };
  const routeOf = (path: string): HotRoute | undefined => {
    const known = byPath.get(path);
    const handler = known ? undefined : hot.handlers.get(`POST ${path}`);
    const entry = handler && routes.http('POST', path);
    if (!handler || !entry) return known;
    const { signed, bodyLimit = 0 } = entry.route ?? {};
    if (!signed) throw new Error(`${path} is not signed`);
    const made = { path, entry, signed, bodyLimit, handler, observe: metrics.route(entry.service, 'POST', path) };
    byPath.set(path, made);
    return made;
  };
  server.on('request', guarded(take));
}

/** One Host, a JSON body whose length is told and allowed, while nothing is held up, leaving, or logged in full. */
function isPlain({ headers, rawHeaders }: IncomingMessage, limit: number, { lifecycle, logger }: HotParts): boolean {
  const length = Number(headers['content-length']);
  if (headers['content-type'] !== 'application/json' || headers['content-encoding'] !== undefined) return false;
  if (headers['transfer-encoding'] !== undefined || !(length > 0 && length <= limit)) return false;
  if (lifecycle.held !== undefined || lifecycle.phase === 'draining') return false;
  return hosts(rawHeaders) === 1 && !logger.logger.isLevelEnabled('debug');
}

/** A request on its way, and its answer. */
class HotRequest implements Replying, Trace {
  sent = false;
  private status = 200;
  private readonly answerHeaders: Record<string, string | number>;
  private readonly began = performance.now();
  readonly traceId: string;
  readonly spanId: string | undefined;

  constructor(
    private readonly request: IncomingMessage,
    readonly raw: ServerResponse,
    private readonly route: HotRoute,
    private readonly parts: HotParts,
    private readonly deadline: HandlerDeadline,
  ) {
    const { headers } = request;
    this.traceId = traceIdFrom(headers.traceparent, headers['x-trace-id']);
    this.answerHeaders = { 'x-trace-id': this.traceId };
    const { traceId } = this;
    const named = { method: 'POST', path: route.path, traceId, traceparent: headers.traceparent };
    this.spanId = recordHttp(parts.tracing, named, raw)?.spanId;
  }

  begin(): void {
    readBody(this.request, this.route.bodyLimit, this.parts.unfinished, (error, bytes) => {
      if (error) this.refuse(error);
      else this.handle(bytes);
    });
  }

  private handle(bytes: Buffer | undefined): void {
    const { signed, handler } = this.route;
    this.deadline.begin(this, this, this.traceId);
    try {
      handler(readSigned(signed, this.request.headers, bytes), this, (error, answer) => {
        if (answer === undefined) this.refuse(error);
        else this.answer(answer);
      });
    } catch (error) {
      this.refuse(error);
    }
  }

  private answer(answer: object): void {
    if (this.sent || this.raw.destroyed) return;
    const { entry } = this.route;
    this.code(factsOf(answer).replayed === 'effect' ? 200 : entry.status).headers(headersOf(answer, entry));
    this.type('application/json; charset=utf-8').send(JSON.stringify(answer));
  }

  private refuse(error: unknown): void {
    this.parts.filter.answer(error, this, this.traceId);
  }

  code(status: number): this {
    this.status = status;
    return this;
  }

  type(type: string): this {
    return this.header('content-type', type);
  }

  header(name: string, value: string): this {
    this.answerHeaders[name] = value;
    return this;
  }

  headers(headers: Readonly<Record<string, string>>): this {
    Object.assign(this.answerHeaders, headers);
    return this;
  }

  removeHeader(name: string): this {
    delete this.answerHeaders[name];
    return this;
  }

  send(body: string): this {
    this.sent = true;
    const bytes = Buffer.byteLength(body);
    this.answerHeaders['content-length'] = bytes;
    this.raw.writeHead(this.status, this.answerHeaders).end(body, () => this.finished(bytes));
    return this;
  }

  private finished(bytes: number): void {
    this.deadline.end(this);
    const durationMs = performance.now() - this.began;
    const { parts, route, status, traceId } = this;
    if (traceId !== parts.lifecycle.warmUpTraceId)
      route.observe(status, { durationMs, received: Number(this.request.headers['content-length']), sent: bytes });
    logAnswer(parts.logger, { traceId, method: 'POST', path: route.path, status, durationMs });
  }
}
