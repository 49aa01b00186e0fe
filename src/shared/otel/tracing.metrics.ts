import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { Counter } from 'prom-client';
import { counter } from '../metrics/metrics';

export const tracingMetrics = [
  counter(
    'tracing_spans_total',
    'Spans that have ended: those that the receiver of traces took, did not take, and for which there was no room',
    ['status'],
    [{ status: 'sent' }, { status: 'failed' }, { status: 'dropped' }],
  ),
];

@Injectable()
export class TracingMetrics {
  constructor(@InjectMetric('tracing_spans_total') private readonly spans: Counter<'status'>) {}

  ended(status: 'sent' | 'failed' | 'dropped', spans: number): void {
    this.spans.inc({ status }, spans);
  }
}
