import { type DynamicModule, Global, Module } from '@nestjs/common';
import { APP_FILTER, APP_PIPE } from '@nestjs/core';
import { Connections } from './connections';
import { ErrorFilter } from './error.filter';
import { GrpcConnections } from './grpc.connections';
import { GrpcMetrics } from './grpc.metrics';
import { HttpMetrics } from './http.metrics';
import { PageTokens } from './page-token';
import { RouteTable } from './route-table';
import { Unfinished } from './unfinished';
import { ValidationPipe } from './validation.pipe';

@Global()
@Module({})
export class RpcModule {
  static forRoot(routes: RouteTable): DynamicModule {
    return {
      module: RpcModule,
      providers: [
        { provide: RouteTable, useValue: routes },
        { provide: APP_PIPE, useClass: ValidationPipe },
        { provide: APP_FILTER, useClass: ErrorFilter },
        HttpMetrics,
        GrpcMetrics,
        Connections,
        GrpcConnections,
        Unfinished,
        PageTokens,
      ],
      exports: [RouteTable, HttpMetrics, GrpcMetrics, Connections, GrpcConnections, Unfinished, PageTokens],
    };
  }
}
