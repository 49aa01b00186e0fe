import { Injectable } from '@nestjs/common';
import { Metrics } from '../metrics/metrics';

@Injectable()
export class CacheMetrics {
  private readonly operations;

  constructor(metrics: Metrics) {
    this.operations = metrics.counter('cache_operations_total', 'Questions to the cache and what became of them', [
      'service',
      'operation',
      'result',
    ]);
  }

  count(service: string, operation: 'get' | 'put', result: 'hit' | 'miss' | 'bypass' | 'stored' | 'outdated'): void {
    this.operations.inc({ service, operation, result });
  }
}
