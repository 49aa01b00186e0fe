import { Global, Module } from '@nestjs/common';
import { GrpcHealth } from './grpc.health';
import { HealthController } from './health.controller';
import { Readiness } from './readiness';

@Global()
@Module({ controllers: [HealthController], providers: [Readiness, GrpcHealth], exports: [Readiness, GrpcHealth] })
export class HealthModule {}
