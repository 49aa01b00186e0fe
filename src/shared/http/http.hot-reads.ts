import type { IncomingMessage, ServerResponse } from 'node:http';
import type { PinoLogger } from 'nestjs-pino';
import { behalfHeaders } from '../auth/credentials';
import { jsonOf } from '../contract/answer';
import { headersOf } from '../contract/answer-headers';
import type { RouteEntry, RouteTable } from '../contract/route-table';
import type { Lifecycle } from '../lifecycle/lifecycle';
import { traceIdFrom } from '../tracing/trace-id';
import type { Tracing } from '../tracing/tracing';
import { logAnswer } from './http.access-log';
import { hosts } from './http.hooks';
import type { HttpMetrics, ObserveRoute } from './http.metrics';
import type { BrowserHeaders } from './http.security';
import { recordHttp } from './http.span';

/** Answers a read at once, from memory; undefined where there is more to it: then it is Fastify's. `query`: what follows `?`. */
export type HotRead = (query: string) => object | undefined;

export interface HotReadParts {
  readonly metrics: HttpMetrics;
  readonly logger: PinoLogger;
  readonly lifecycle: Lifecycle;
  readonly routes: RouteTable;
  readonly browsers: BrowserHeaders;
  readonly tracing: Tracing;
}

interface Served {
  readonly path: string;
  readonly entry: RouteEntry;
  readonly read: HotRead;
  readonly observe: ObserveRoute;
}

/**
 * Reads before Fastify: a GET in its plainest form, of a browser on another origin, too, whose answer is at hand. It has the
 * headers that Fastify's way gives it, one by one; refusals, questions to the database and all that is unusual are Fastify's.
 */
export class HotReads {
  private readonly byPath = new Map<string, Served>();

  constructor(
    /** By path. */
    private readonly reads: ReadonlyMap<string, HotRead>,
    private readonly parts: HotReadParts,
  ) {}

  /** False where the request is Fastify's. */
  answer(request: IncomingMessage, response: ServerResponse): boolean {
    const { url = '' } = request;
    const end = url.indexOf('?');
    const served = end < 0 ? undefined : this.servedAt(url.slice(0, end));
    if (!served || !isPlain(request, this.parts)) return false;
    const began = performance.now();
    const body = this.bodyOf(served, url.slice(end + 1));
    if (body !== undefined) this.send(request, response, served, body, began);
    return body !== undefined;
  }

  private bodyOf({ read }: Served, query: string): object | undefined {
    try {
      return read(query);
    } catch (error) {
      // Fastify's way meets the same fault, and tells the caller of it.
      this.parts.logger.error({ err: error }, 'request_failed');
      return undefined;
    }
  }

  private send(
    { headers }: IncomingMessage,
    response: ServerResponse,
    { path, entry, observe }: Served,
    body: object,
    began: number,
  ): void {
    const { browsers, lifecycle, logger, tracing } = this.parts;
    const traceId = traceIdFrom(headers.traceparent, headers['x-trace-id']);
    recordHttp(tracing, { method: 'GET', path, traceId, traceparent: headers.traceparent }, response);
    const text = jsonOf(body);
    const sent = Buffer.byteLength(text);
    const head = browsers.of(headers.origin);
    head.push('x-trace-id', traceId, 'content-type', 'application/json; charset=utf-8', 'content-length', String(sent));
    for (const [name, value] of Object.entries(headersOf(body, entry))) head.push(name, value);
    response.writeHead(200, head).end(text, () => {
      const durationMs = performance.now() - began;
      if (traceId !== lifecycle.warmUpTraceId) observe(200, { durationMs, received: 0, sent });
      logAnswer(logger, { traceId, method: 'GET', path, status: 200, durationMs });
    });
  }

  private servedAt(path: string): Served | undefined {
    const known = this.byPath.get(path);
    const read = known ? undefined : this.reads.get(path);
    const entry = read && this.parts.routes.http('GET', path);
    if (!read || !entry) return known;
    if (entry.access !== 'public' || entry.route?.browsers === false) throw new Error(`${path} is not for everybody`);
    const made = { path, entry, read, observe: this.parts.metrics.route(entry.service, 'GET', path) };
    this.byPath.set(path, made);
    return made;
  }
}

/**
 * One Host and no body, no ETag that is known already, from nobody who speaks for somebody else, while nothing is held up,
 * leaving, or logged in full.
 */
function isPlain({ headers, rawHeaders }: IncomingMessage, { lifecycle, logger }: HotReadParts): boolean {
  if (headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined) return false;
  if (headers['if-none-match'] !== undefined) return false;
  if (headers[behalfHeaders.hops] !== undefined || headers[behalfHeaders.clientAddress] !== undefined) return false;
  if (lifecycle.held !== undefined || lifecycle.phase === 'draining') return false;
  return hosts(rawHeaders) === 1 && !logger.logger.isLevelEnabled('debug');
}
