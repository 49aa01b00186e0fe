import { Module } from '@nestjs/common';
import { HttpMetrics, httpMetrics } from './http.metrics';

@Module({ providers: [HttpMetrics, ...httpMetrics], exports: [HttpMetrics] })
export class HttpModule {}
