import type { Server as HttpServer } from 'node:http';
import { Server as NetServer } from 'node:net';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { unsupportedMediaType, validationFailed } from '../errors/common.errors';
import { traceIdFrom } from '../tracing/trace-id';
import { refuseConnection } from './http.client-error';
import { errorBody } from './http.error-body';
import { parseJson } from './json';
import type { RouteEntry, RouteTable } from './route-table';

declare module 'fastify' {
  interface FastifyContextConfig {
    entry?: RouteEntry;
  }
  interface FastifyRequest {
    traceId: string;
  }
}

const bodyLimit = 64 * 1024;
const acceptQueueMs = 100;

/**
 * The HTTP server with the limits of every request: body 64 KiB (or the route's own), header 16 KiB, headers within
 * 5 s, the whole request within 15 s, the handler within 5 s; JSON in UTF-8 only.
 */
export function httpAdapter(routes: RouteTable): FastifyAdapter {
  const adapter = new FastifyAdapter({
    skipMiddie: true,
    bodyLimit,
    requestTimeout: 15_000,
    keepAliveTimeout: 72_000,
    http: { headersTimeout: 5000, maxHeaderSize: 16 * 1024, connectionsCheckingInterval: 1000 },
    clientErrorHandler: refuseConnection,
    frameworkErrors: refuseUrl,
    return503OnClosing: false,
    routerOptions: { maxParamLength: 200, querystringParser: parseQuery },
  });
  const fastify = adapter.getInstance();
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('application/json', { parseAs: 'buffer' }, parseBody);
  fastify.addHook('onRoute', (options) => {
    for (const method of [options.method].flat()) {
      routes.registered(method, options.url);
      const entry = routes.http(method, options.url);
      if (!entry) continue;
      options.config = { ...options.config, entry };
      // Signed by game servers, never called by a browser: a dozen headers for one cost a tenth of the request.
      if (entry.route?.hot) Object.assign(options, { helmet: false, config: { ...options.config, cors: false } });
      options.bodyLimit = entry.route?.bodyLimit ?? bodyLimit;
    }
  });
  return adapter;
}

/**
 * Stops accepting connections; those that are open stay. Node's own close would also destroy connections whose first
 * request is still on its way, and the kernel resets those that nobody has accepted yet: so callers are kept waiting
 * meanwhile (`Lifecycle.hold`), which lets the accept queue run empty.
 */
export async function stopListening(server: HttpServer): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, acceptQueueMs));
  NetServer.prototype.close.call(server);
}

/** Waits, `limitMs` at most, until every connection is served and gone. */
export async function finishConnections(server: HttpServer, limitMs: number): Promise<void> {
  const until = performance.now() + limitMs;
  while (performance.now() < until && (await connectionsOf(server)) > 0)
    await new Promise((resolve) => setTimeout(resolve, 20));
}

function connectionsOf(server: HttpServer): Promise<number> {
  return new Promise((resolve, reject) =>
    server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  );
}

/** Keeps repeated names apart, so that they can be refused; no value is an object or an array of its own making. */
export function parseQuery(text: string): Record<string, string | string[]> {
  const query: Record<string, string | string[]> = Object.create(null);
  for (const [name, value] of new URLSearchParams(text)) {
    const before = query[name];
    query[name] = before === undefined ? value : [before, value].flat();
  }
  return query;
}

/** A URL that no route can be looked up for: bad percent signs, or a part that is far too long. */
function refuseUrl(_error: Error, request: FastifyRequest, reply: FastifyReply): void {
  const error = validationFailed([{ field: 'path', message: 'is not a well-formed path' }]);
  const traceId = traceIdFrom(request.headers.traceparent, request.headers['x-trace-id']);
  void reply.code(error.httpStatus).header('x-trace-id', traceId).send(errorBody(error, traceId));
}

function parseBody(request: FastifyRequest, body: Buffer, done: (error: Error | null, body?: unknown) => void): void {
  const contentType = request.headers['content-type'] ?? '';
  const charset = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(contentType)?.[1];
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity' || (charset !== undefined && charset.toLowerCase() !== 'utf-8')) {
    done(unsupportedMediaType());
    return;
  }
  if (request.routeOptions.config.entry?.route?.rawBody) {
    done(null, body);
    return;
  }
  try {
    done(null, parseJson(body));
  } catch (error) {
    done(error as Error);
  }
}
