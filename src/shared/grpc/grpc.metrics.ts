import { status } from '@grpc/grpc-js';
import { Injectable } from '@nestjs/common';
import { Metrics } from '../metrics/metrics';

/** The gRPC metrics, under the names that go-grpc-prometheus made common. */
@Injectable()
export class GrpcMetrics {
  private readonly handled;
  private readonly handling;

  constructor(metrics: Metrics) {
    const labels = ['grpc_service', 'grpc_method'] as const;
    this.handled = metrics.counter('grpc_server_handled_total', 'Calls ended', [...labels, 'grpc_code']);
    this.handling = metrics.duration('grpc_server_handling_seconds', 'From the call to its status', labels);
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
