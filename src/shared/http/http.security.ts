import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import type { FastifyInstance } from 'fastify';
import { allowedOrigins } from '../auth/origins';
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
  await fastify.register(helmet, {
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
