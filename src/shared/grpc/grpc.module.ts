import { Module } from '@nestjs/common';
import { ConnectionsModule } from '../connections/connections.module';
import { GrpcConnections } from './grpc.connections';
import { GrpcMetrics, grpcMetrics } from './grpc.metrics';

@Module({
  imports: [ConnectionsModule],
  providers: [GrpcConnections, GrpcMetrics, ...grpcMetrics],
  exports: [GrpcConnections, GrpcMetrics],
})
export class GrpcModule {}
