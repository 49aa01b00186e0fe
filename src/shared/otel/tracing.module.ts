import { Module } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { Config } from '../config/config';
import { SilentTracing, Tracing } from '../tracing/tracing';
import { OtelTracing } from './otel.tracing';
import { TracingMetrics, tracingMetrics } from './tracing.metrics';

const chosen = {
  provide: Tracing,
  inject: [Config, PinoLogger, TracingMetrics],
  useFactory: async ({ tracing }: Config, logger: PinoLogger, metrics: TracingMetrics): Promise<Tracing> =>
    tracing ? OtelTracing.open(tracing, logger, (status, spans) => metrics.ended(status, spans)) : new SilentTracing(),
};

@Module({
  providers: [TracingMetrics, ...tracingMetrics, chosen],
  exports: [Tracing],
})
export class TracingModule {}
