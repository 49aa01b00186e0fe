import { Module } from '@nestjs/common';
import { HttpMetrics } from './http.metrics';

@Module({ providers: [HttpMetrics], exports: [HttpMetrics] })
export class HttpModule {}
