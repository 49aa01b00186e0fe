import { Injectable } from '@nestjs/common';
import { Metrics } from '../../shared/metrics/metrics';

/** Of the calls to fairness. */
@Injectable()
export class FairnessCallMetrics {
  private readonly requests;
  private readonly duration;

  constructor(metrics: Metrics) {
    this.requests = metrics.counter('events_fairness_requests_total', 'Groups of events shown to fairness', ['status']);
    this.duration = metrics.duration('events_fairness_duration_seconds', 'Until fairness has judged a group');
  }

  asked(status: 'ok' | 'failed', milliseconds: number): void {
    this.requests.inc({ status });
    this.duration.observe(milliseconds / 1000);
  }
}
