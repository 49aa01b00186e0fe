import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { Gauge } from 'prom-client';
import { gauge } from '../metrics/metrics';
import type { CheckResult, ReadinessReport } from './readiness';

export const healthMetrics = [
  gauge('readiness_status', 'What readiness has found last: 1 healthy, 0.5 degraded, 0 unhealthy', ['check']),
];

const values: Readonly<Record<CheckResult['status'], number>> = { healthy: 1, degraded: 0.5, unhealthy: 0 };

/**
 * What the last report said. A scrape asks nobody, since it must not wait for a database that is dead; the process asks by
 * itself, twice a second.
 */
@Injectable()
export class HealthMetrics {
  constructor(@InjectMetric('readiness_status') private readonly status: Gauge<'check'>) {}

  /** `process` is healthy while this process is neither starting nor leaving. */
  found({ checks }: ReadinessReport): void {
    for (const [check, { status }] of Object.entries({ process: { status: 'healthy' } as const, ...checks }))
      this.status.set({ check }, values[status]);
  }
}
