import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { Counter, Histogram } from 'prom-client';
import { counter, duration } from '../../shared/metrics/metrics';

export const fairnessCallMetrics = [
  counter('events_fairness_requests_total', 'Groups of events shown to fairness', ['status']),
  duration('events_fairness_duration_seconds', 'Until fairness has judged a group'),
];

/** Of the calls to fairness. */
@Injectable()
export class FairnessCallMetrics {
  constructor(
    @InjectMetric('events_fairness_requests_total') private readonly requests: Counter<'status'>,
    @InjectMetric('events_fairness_duration_seconds') private readonly duration: Histogram,
  ) {}

  asked(status: 'ok' | 'failed', milliseconds: number): void {
    this.requests.inc({ status });
    this.duration.observe(milliseconds / 1000);
  }
}
