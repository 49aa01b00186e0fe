import { X509Certificate } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { Counter, Gauge, Histogram } from 'prom-client';
import { counter, duration, gauge } from '../metrics/metrics';

export const grpcMetrics = [
  counter('grpc_server_handled_total', 'Calls ended', ['grpc_service', 'grpc_method', 'grpc_code']),
  duration('grpc_server_handling_seconds', 'From the call to its status', ['grpc_service', 'grpc_method']),
  gauge('tls_certificate_expiry_timestamp_seconds', 'Until when the certificate that is shown is valid', ['listener']),
];

/** The gRPC metrics, under the names that go-grpc-prometheus made common. */
@Injectable()
export class GrpcMetrics {
  constructor(
    @InjectMetric('grpc_server_handled_total')
    private readonly handled: Counter<'grpc_service' | 'grpc_method' | 'grpc_code'>,
    @InjectMetric('grpc_server_handling_seconds') private readonly handling: Histogram<'grpc_service' | 'grpc_method'>,
    @InjectMetric('tls_certificate_expiry_timestamp_seconds') private readonly expiry: Gauge<'listener'>,
  ) {}

  /** `pem`: what this process shows from now on, until it is started again. */
  shows(pem: Buffer): void {
    this.expiry.set({ listener: 'grpc' }, Date.parse(new X509Certificate(pem).validTo) / 1000);
  }

  /** Call the result once, with the status code that the call ended with. */
  begin(path: string): (code: number) => void {
    const [, service = '', method = ''] = path.split('/');
    const started = performance.now();
    return (code) => {
      this.handled.inc({ grpc_service: service, grpc_method: method, grpc_code: status[code] ?? 'UNKNOWN' });
      this.handling.observe({ grpc_service: service, grpc_method: method }, (performance.now() - started) / 1000);
    };
  }
}
