import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { Counter } from 'prom-client';
import { counter } from '../metrics/metrics';

export const tracingMetrics = [
  counter(
    'tracing_spans_total',
    'Spans that were handed to the receiver of traces, and whether it took them',
    ['status'],
    [{ status: 'sent' }, { status: 'failed' }],
  ),
];

@Injectable()
export class TracingMetrics {
  constructor(@InjectMetric('tracing_spans_total') private readonly spans: Counter<'status'>) {}

  handed(status: 'sent' | 'failed', spans: number): void {
    this.spans.inc({ status }, spans);
  }
}
