import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Counter, Histogram } from 'prom-client';
import { counter, duration, size } from '../metrics/metrics';

/** Milliseconds, and bytes of the bodies. */
interface Observed {
  /** Undefined where it is the caller who decides how long it takes. */
  readonly durationMs: number | undefined;
  readonly received: number;
  readonly sent: number;
}

export type ObserveRoute = (status: number, observed: Observed) => void;

interface RouteMetrics {
  readonly requests: Counter.Internal;
  readonly duration: Histogram.Internal<string>;
  readonly requestSize: Histogram.Internal<string>;
  readonly responseSize: Histogram.Internal<string>;
}

export const httpMetrics = [
  counter('http_requests_total', 'Requests answered', ['service', 'method', 'path', 'status']),
  duration('http_request_duration_seconds', 'From the first byte to the answer', ['service', 'method', 'path']),
  size('http_request_size_bytes', 'Bytes of the request body', ['service', 'method']),
  size('http_response_size_bytes', 'Bytes of the answer body', ['service', 'method', 'status']),
];

/** The HTTP metrics. Children are looked up once for each route and status: hashing labels costs a microsecond each. */
@Injectable()
export class HttpMetrics {
  private readonly routes = new Map<string, ObserveRoute>();

  constructor(
    @InjectMetric('http_requests_total') private readonly requests: Counter<'service' | 'method' | 'path' | 'status'>,
    @InjectMetric('http_request_duration_seconds') private readonly duration: Histogram<'service' | 'method' | 'path'>,
    @InjectMetric('http_request_size_bytes') private readonly requestSize: Histogram<'service' | 'method'>,
    @InjectMetric('http_response_size_bytes') private readonly responseSize: Histogram<'service' | 'method' | 'status'>,
  ) {}

  observe(request: FastifyRequest, reply: FastifyReply): void {
    const path = request.is404 ? 'unmatched' : (request.routeOptions.url ?? 'unmatched');
    // A method that no route has is a caller's text: it must not become a label of its own.
    const method = path === 'unmatched' ? 'any' : request.method;
    const key = `${method} ${path}`;
    let observe = this.routes.get(key);
    if (!observe) {
      observe = this.route(request.routeOptions.config.entry?.service ?? 'app', method, path);
      this.routes.set(key, observe);
    }
    const received = Number(request.headers['content-length'] ?? 0);
    const sent = Number(reply.getHeader('content-length') ?? 0);
    const durationMs = request.routeOptions.config.endless ? undefined : reply.elapsedTime;
    observe(reply.statusCode, { durationMs, received, sent });
  }

  /** The metrics of one route, with its children by status. */
  route(service: string, method: string, path: string): ObserveRoute {
    const children = new Map<number, RouteMetrics>();
    return (status, { durationMs, received, sent }) => {
      let found = children.get(status);
      if (!found) {
        found = {
          requests: this.requests.labels({ service, method, path, status }),
          duration: this.duration.labels({ service, method, path }),
          requestSize: this.requestSize.labels({ service, method }),
          responseSize: this.responseSize.labels({ service, method, status }),
        };
        children.set(status, found);
      }
      found.requests.inc();
      if (durationMs !== undefined) found.duration.observe(durationMs / 1000);
      found.requestSize.observe(received);
      found.responseSize.observe(sent);
    };
  }
}
