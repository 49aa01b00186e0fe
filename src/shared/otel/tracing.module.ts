import { Module } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { Config } from '../config/config';
import { SilentTracing, Tracing } from '../tracing/tracing';
import { BelievedCallers } from './believed-callers';
import { OtelTracing } from './otel.tracing';
import { TracingMetrics, tracingMetrics } from './tracing.metrics';

const chosen = {
  provide: Tracing,
  inject: [Config, PinoLogger, TracingMetrics],
  useFactory: async (config: Config, logger: PinoLogger, metrics: TracingMetrics): Promise<Tracing> => {
    if (!config.tracing) return new SilentTracing();
    const believed = new BelievedCallers(config);
    return OtelTracing.open(config.tracing, logger, {
      count: (status, spans) => metrics.ended(status, spans),
      believes: (told) => believed.includes(told),
    });
  },
};

@Module({
  providers: [TracingMetrics, ...tracingMetrics, chosen],
  exports: [Tracing],
})
export class TracingModule {}
