import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { Counter } from 'prom-client';
import { counter } from '../metrics/metrics';

type Label = 'service' | 'operation' | 'result';

export const cacheMetrics = [
  counter<Label>('cache_operations_total', 'Questions to the cache and what became of them', [
    'service',
    'operation',
    'result',
  ]),
];

@Injectable()
export class CacheMetrics {
  constructor(@InjectMetric('cache_operations_total') private readonly operations: Counter<Label>) {}

  count(service: string, operation: 'get' | 'put', result: 'hit' | 'miss' | 'bypass' | 'stored' | 'outdated'): void {
    this.operations.inc({ service, operation, result });
  }
}
