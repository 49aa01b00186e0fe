import type { Server as HttpServer, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Server as NetServer } from 'node:net';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import { guarded } from '../async/guarded';
import type { Config } from '../config/config';
import type { Connections } from '../connections/connections';
import type { Unfinished } from '../connections/unfinished';
import { jsonOf } from '../contract/answer';
import { sendError } from '../contract/http.error-body';
import type { Page } from '../contract/page';
import type { RouteEntry, RouteTable } from '../contract/route-table';
import { unsupportedMediaType, validationFailed } from '../errors/common.errors';
import type { Span } from '../tracing/span';
import { traceIdFrom } from '../tracing/trace-id';
import { readBody } from './http.body';
import { refuseConnection, refuseExpectation } from './http.client-error';
import { notModified } from './http.conditional';
import { limitPipelining } from './http.pipelining';
import { parseJson } from './json';

declare module 'fastify' {
  interface FastifyContextConfig {
    entry?: RouteEntry;
    /** No call of a feature, and anybody may get it: a page. */
    open?: 'public' | 'optional' | 'player';
    /** The answer goes on for as long as the caller listens. */
    endless?: boolean;
  }
  interface FastifyRequest {
    traceId: string;
    /** See RequestContext. */
    span: Span | null | undefined;
  }
}

const bodyLimit = 64 * 1024;
const acceptQueueMs = 100;
// More than any call has. The name that stands for the rest belongs to no call, so validation refuses it.
const maxQueryNames = 64;
const furtherNames = `more than ${maxQueryNames} names`;

/**
 * The HTTP server with the limits of every request: body 64 KiB (or the route's own), header 16 KiB, headers within
 * 5 s, the whole request within 15 s, the handler within 5 s; JSON in UTF-8 only.
 */
export function httpAdapter(routes: RouteTable, config: Config): FastifyAdapter {
  const adapter = new FastifyAdapter({
    skipMiddie: true,
    bodyLimit,
    requestTimeout: 15_000,
    keepAliveTimeout: config.http.keepAliveMs,
    // A missing Host is refused by our own hook, in our own words.
    http: {
      headersTimeout: 5000,
      maxHeaderSize: 16 * 1024,
      connectionsCheckingInterval: 1000,
      requireHostHeader: false,
    },
    clientErrorHandler: refuseConnection,
    frameworkErrors: refuseUrl,
    return503OnClosing: false,
    routerOptions: { maxParamLength: 600, querystringParser: parseQuery },
  });
  const fastify = adapter.getInstance();
  fastify.setReplySerializer(jsonOf);
  fastify.addHook('onRoute', (options) => {
    for (const method of [options.method].flat()) {
      routes.registered(method, options.url);
      const entry = routes.http(method, options.url);
      if (!entry) {
        const page = routes.page(method, options.url);
        if (page) asPage(options, page);
        continue;
      }
      options.config = Object.assign({}, options.config, { entry });
      if (entry.route?.browsers === false) options.config = Object.assign({}, options.config, { cors: false });
      options.bodyLimit = entry.route?.bodyLimit ?? bodyLimit;
      if (method === 'GET') options.onSend = notModified;
    }
  });
  return adapter;
}

function asPage(options: RouteOptions, { access = 'public', endless, answers }: Page): void {
  options.config = Object.assign({}, options.config, { open: access, endless: endless === true });
  // Its handler's answer to HEAD would go on as long as that to GET, without a byte.
  if (endless && options.method === 'HEAD')
    options.handler = (_request, reply) => reply.type(answers[200]?.contentType ?? 'application/json').send();
}

/** Limits the connections of the server and what comes over them, and reads its bodies. */
export function limitHttp(
  fastify: FastifyInstance,
  config: Config,
  connections: Connections,
  unfinished: Unfinished,
): void {
  // Beyond its own limit Node drops header lines silently, and a guard would miss them; 16 KiB bound them all.
  fastify.server.maxHeadersCount = 0;
  connections.watch(fastify.server, 'http');
  limitPipelining(fastify.server, config.limits.requestsPerConnection, connections);
  fastify.server.on('checkExpectation', guarded(refuseExpectation, connections.failed));
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', (request, payload, done) => {
    const { bodyLimit: limit, config: route } = request.routeOptions;
    readBody(payload as IncomingMessage, limit, unfinished, (error, bytes) => {
      if (error || bytes === undefined) return done(error);
      let body: unknown;
      try {
        body = parsed(request.headers, bytes, route.entry?.route?.signed !== undefined);
      } catch (refused) {
        return done(refused as Error);
      }
      done(null, body);
    });
  });
}

/**
 * Stops accepting connections; those that are open stay. Node's own close would also destroy connections whose first
 * request is still on its way, and the kernel resets those that nobody has accepted yet: so callers are kept waiting
 * meanwhile (`Lifecycle.hold`), which lets the accept queue run empty.
 */
export async function stopListening(server: HttpServer): Promise<void> {
  await sleep(acceptQueueMs);
  // Timers run before sockets: where the process itself was late, no connection has been accepted yet.
  await turn();
  NetServer.prototype.close.call(server);
}

/** Waits, `limitMs` at most, until every connection is served and gone. */
export async function finishConnections(server: HttpServer, limitMs: number): Promise<void> {
  const until = performance.now() + limitMs;
  const open = promisify(server.getConnections.bind(server));
  while (performance.now() < until && (await open()) > 0) await sleep(20);
}

/** Keeps repeated names apart, so that they can be refused; no value is an object or an array of its own making. */
export function parseQuery(text: string): Record<string, string | string[]> {
  const query: Record<string, string | string[]> = Object.create(null);
  let names = 0;
  for (const [name, value] of new URLSearchParams(text)) {
    names += 1;
    if (names > maxQueryNames) {
      query[furtherNames] = '';
      break;
    }
    const before = query[name];
    if (before === undefined) query[name] = value;
    else if (typeof before === 'string') query[name] = [before, value];
    else before.push(value);
  }
  return query;
}

/** A URL that no route can be looked up for: bad percent signs, or a part that is far too long. */
function refuseUrl(_error: Error, request: FastifyRequest, reply: FastifyReply): void {
  const error = validationFailed([{ field: 'path', message: 'is not a well-formed path' }]);
  const traceId = traceIdFrom(request.headers.traceparent, request.headers['x-trace-id']);
  reply.header('x-trace-id', traceId);
  sendError(reply, error, traceId);
}

function parsed(headers: IncomingHttpHeaders, body: Buffer, raw: boolean): unknown {
  if (!isJson(headers)) throw unsupportedMediaType();
  return raw ? body : parseJson(body);
}

/** `application/json`, with the charset utf-8 or utf8 or none, and not compressed. */
function isJson(headers: IncomingHttpHeaders): boolean {
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') return false;
  const type = headers['content-type'] ?? '';
  if (type === 'application/json') return true;
  const [media = '', ...parameters] = type.toLowerCase().split(';');
  if (media.trim() !== 'application/json') return false;
  return parameters.every((parameter) => {
    const [name = '', value = ''] = parameter.split('=');
    return name.trim() !== 'charset' || ['utf-8', 'utf8', '"utf-8"', '"utf8"'].includes(value.trim());
  });
}
