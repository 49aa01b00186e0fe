import { status } from '@grpc/grpc-js';
import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { Counter, Histogram } from 'prom-client';
import { counter, duration } from '../metrics/metrics';

export const grpcMetrics = [
  counter('grpc_server_handled_total', 'Calls ended', ['grpc_service', 'grpc_method', 'grpc_code']),
  duration('grpc_server_handling_seconds', 'From the call to its status', ['grpc_service', 'grpc_method']),
];

/** The gRPC metrics, under the names that go-grpc-prometheus made common. */
@Injectable()
export class GrpcMetrics {
  constructor(
    @InjectMetric('grpc_server_handled_total')
    private readonly handled: Counter<'grpc_service' | 'grpc_method' | 'grpc_code'>,
    @InjectMetric('grpc_server_handling_seconds') private readonly handling: Histogram<'grpc_service' | 'grpc_method'>,
  ) {}

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
