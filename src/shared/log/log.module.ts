import { Module } from '@nestjs/common';
import { AsyncModule } from '../async/async.module';
import { BusModule } from '../bus/bus.module';
import { HealthModule } from '../health/health.module';
import { TracingModule } from '../otel/tracing.module';
import { LogMetrics, logMetrics } from './log.metrics';
import { LogParts } from './log-consumer';

@Module({
  imports: [AsyncModule, BusModule, HealthModule, TracingModule],
  providers: [LogParts, LogMetrics, ...logMetrics],
  exports: [LogParts],
})
export class LogModule {}
