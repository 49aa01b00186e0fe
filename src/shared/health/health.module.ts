import { Module } from '@nestjs/common';
import { LifecycleModule } from '../lifecycle/lifecycle.module';
import { GrpcHealth } from './grpc.health';
import { HealthController } from './health.controller';
import { Readiness } from './readiness';

@Module({
  imports: [LifecycleModule],
  controllers: [HealthController],
  providers: [Readiness, GrpcHealth],
  exports: [Readiness, GrpcHealth],
})
export class HealthModule {}
