import { Controller, Get, Header } from '@nestjs/common';
import { PrometheusController } from '@willsoto/nestjs-prometheus';
import { Registry } from 'prom-client';
import { Metrics } from './metrics';

/** Serves /metrics from this application's registry, where the library's controller would serve the global one. */
@Controller()
export class MetricsController extends PrometheusController {
  constructor(private readonly metrics: Metrics) {
    super();
  }

  /** All metrics in Prometheus' text format. */
  @Get()
  @Header('content-type', Registry.PROMETHEUS_CONTENT_TYPE)
  override index(): Promise<string> {
    return this.metrics.registry.metrics();
  }
}
