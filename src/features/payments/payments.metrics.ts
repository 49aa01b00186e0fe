import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { Counter, Gauge, Histogram } from 'prom-client';
import { counter, duration, gauge } from '../../shared/metrics/metrics';
import { statuses } from './payments.states';

/** `silent`: no answer in time. `resting`: not asked, since it was silent too often. */
export type Asked = 'done' | 'pending' | 'refused' | 'silent' | 'resting';

const asked = (['done', 'pending', 'refused', 'silent', 'resting'] as const).map((status) => ({ status }));

export const paymentsMetrics = [
  counter(
    'payments_total',
    'Payments that became so',
    ['status'],
    statuses.map((status) => ({ status })),
  ),
  counter('payments_provider_requests_total', 'What came of asking the provider', ['status'], asked),
  duration('payments_provider_duration_seconds', 'One call of the provider'),
  counter(
    'payments_reconciled_total',
    'What came of asking the provider again, with the same key',
    ['outcome'],
    asked.map(({ status }) => ({ outcome: status })),
  ),
  gauge('payments_audit_violations', 'What the last audit of the open sales has found'),
];

@Injectable()
export class PaymentsMetrics {
  constructor(
    @InjectMetric('payments_total') private readonly payments: Counter<'status'>,
    @InjectMetric('payments_provider_requests_total') private readonly requests: Counter<'status'>,
    @InjectMetric('payments_provider_duration_seconds') private readonly durations: Histogram,
    @InjectMetric('payments_reconciled_total') private readonly reconciliations: Counter<'outcome'>,
    @InjectMetric('payments_audit_violations') private readonly violations: Gauge,
  ) {}

  audited(violations: number): void {
    this.violations.set(violations);
  }

  became(status: string): void {
    this.payments.inc({ status });
  }

  asked(status: Asked, milliseconds: number, again: boolean): void {
    this.requests.inc({ status });
    this.durations.observe(milliseconds / 1000);
    if (again) this.reconciliations.inc({ outcome: status });
  }
}
