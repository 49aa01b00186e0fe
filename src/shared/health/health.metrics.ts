import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { Gauge } from 'prom-client';
import { gauge } from '../metrics/metrics';

export const healthMetrics = [
  gauge('readiness_status', 'What readiness has found last: 1 healthy, 0.5 degraded, 0 unhealthy', ['check']),
];

const values = { healthy: 1, degraded: 0.5, unhealthy: 0 } as const;

type Checks = Readonly<Record<string, { readonly status: keyof typeof values }>>;

/**
 * What the last report said. A scrape asks nobody, since it must not wait for a database that is dead; the process asks by
 * itself, twice a second.
 */
@Injectable()
export class HealthMetrics {
  constructor(@InjectMetric('readiness_status') private readonly status: Gauge<'check'>) {}

  /** `process` is healthy while this process is neither starting nor leaving. */
  found(checks: Checks): void {
    const all: Checks = { process: { status: 'healthy' }, ...checks };
    for (const [check, { status }] of Object.entries(all)) this.status.set({ check }, values[status]);
  }
}
