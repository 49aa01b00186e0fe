import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { LifecycleModule } from '../lifecycle/lifecycle.module';
import { MetricsModule } from '../metrics/metrics.module';
import { GrpcHealth } from './grpc.health';
import { HealthController } from './health.controller';
import { HealthMetrics, healthMetrics } from './health.metrics';
import { Readiness } from './readiness';

@Module({
  // The lifecycle drains by itself, and the checks log what they find.
  imports: [LifecycleModule, MetricsModule, TerminusModule.forRoot({ gracefulShutdownTimeoutMs: 0, logger: false })],
  controllers: [HealthController],
  providers: [Readiness, GrpcHealth, HealthMetrics, ...healthMetrics],
  exports: [Readiness, GrpcHealth],
})
export class HealthModule {}
