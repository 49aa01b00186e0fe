import { Injectable } from '@nestjs/common';
import { Metrics } from '../../shared/metrics/metrics';

@Injectable()
export class UsersMetrics {
  private readonly counters;

  constructor(metrics: Metrics) {
    this.counters = {
      created: metrics.counter('users_created_total', 'Users who were created'),
      updated: metrics.counter('users_updated_total', 'Changes of users'),
      deleted: metrics.counter('users_deleted_total', 'Users who were deleted'),
    };
  }

  count(what: 'created' | 'updated' | 'deleted'): void {
    this.counters[what].inc();
  }
}
