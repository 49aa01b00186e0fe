import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { Counter } from 'prom-client';
import { counter } from '../../shared/metrics/metrics';

export const usersMetrics = [
  counter('users_created_total', 'Users who were created'),
  counter('users_updated_total', 'Changes of users'),
  counter('users_deleted_total', 'Users who were deleted'),
];

@Injectable()
export class UsersMetrics {
  constructor(
    @InjectMetric('users_created_total') private readonly created: Counter,
    @InjectMetric('users_updated_total') private readonly updated: Counter,
    @InjectMetric('users_deleted_total') private readonly deleted: Counter,
  ) {}

  count(what: 'created' | 'updated' | 'deleted'): void {
    this[what].inc();
  }
}
