import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { LifecycleModule } from '../lifecycle/lifecycle.module';
import { GrpcHealth } from './grpc.health';
import { HealthController } from './health.controller';
import { Readiness } from './readiness';

@Module({
  // The lifecycle drains by itself, and the checks log what they find.
  imports: [LifecycleModule, TerminusModule.forRoot({ gracefulShutdownTimeoutMs: 0, logger: false })],
  controllers: [HealthController],
  providers: [Readiness, GrpcHealth],
  exports: [Readiness, GrpcHealth],
})
export class HealthModule {}
