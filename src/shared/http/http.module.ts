import { Module } from '@nestjs/common';
import { HotRoutes } from './http.hot';
import { HttpMetrics, httpMetrics } from './http.metrics';

@Module({ providers: [HotRoutes, HttpMetrics, ...httpMetrics], exports: [HotRoutes, HttpMetrics] })
export class HttpModule {}
