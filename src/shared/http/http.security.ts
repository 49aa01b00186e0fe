import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import cors from '@fastify/cors';
import type { FastifyInstance } from 'fastify';
import helmet from 'helmet';
import { allowedOrigins, isAllowed } from '../auth/origins';
import type { Config } from '../config/config';

const allowedHeaders = [
  'Authorization',
  'Content-Type',
  'Idempotency-Key',
  'If-Match',
  'If-None-Match',
  'traceparent',
  'tracestate',
  'X-Trace-ID',
];
const exposedHeaders = [
  'X-Trace-ID',
  'Idempotent-Replayed',
  'Retry-After',
  'RateLimit',
  'RateLimit-Policy',
  'ETag',
  'Location',
];

/** Security headers, and CORS for the configured origins only. */
export async function secure(fastify: FastifyInstance, config: Config): Promise<void> {
  const headers = securityHeaders();
  fastify.addHook('onRequest', (request, reply, done) => {
    if (request.routeOptions.config.entry?.route?.browsers !== false) reply.headers(headers);
    done();
  });
  await fastify.register(cors, {
    origin: allowedOrigins(config),
    credentials: true,
    // OPTIONS without a browser's headers is answered as any other, not with an error in the plugin's words.
    strictPreflight: false,
    methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
    allowedHeaders,
    exposedHeaders,
  });
}

/** What `secure` gives every answer but those to preflights: for answers that are given before Fastify. */
export class BrowserHeaders {
  private readonly always: readonly string[];
  private readonly origins: readonly (string | RegExp)[];

  constructor(config: Config) {
    this.origins = allowedOrigins(config);
    this.always = [
      ...Object.entries(securityHeaders()).flat(),
      ...['vary', 'Origin', 'access-control-allow-credentials', 'true'],
      ...['access-control-expose-headers', exposedHeaders.join(', ')],
    ];
  }

  /** Names and values in turn, as Node takes them: a list of the caller's own. */
  of(origin: string | undefined): string[] {
    const headers = this.always.slice();
    if (origin && isAllowed(this.origins, origin)) headers.push('access-control-allow-origin', origin);
    return headers;
  }
}

/** What helmet sets. It would make all of it anew for each request, and it is the same for all. */
function securityHeaders(): Record<string, string> {
  const request = new IncomingMessage(new Socket());
  const response = new ServerResponse(request);
  const protect = helmet({
    // The API's page loads its own scripts and styles and nothing from elsewhere.
    contentSecurityPolicy: {
      directives: {
        'script-src': ["'self'"],
        'style-src': ["'self'", "'unsafe-inline'"],
        'img-src': ["'self'", 'data:'],
        'upgrade-insecure-requests': null,
      },
    },
  });
  protect(request, response, () => undefined);
  return Object.fromEntries(Object.entries(response.getHeaders()).map(([name, value]) => [name, String(value)]));
}
