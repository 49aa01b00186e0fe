import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { Counter } from 'prom-client';
import { counter } from '../metrics/metrics';

export const busMetrics = [counter('bus_messages_total', 'Messages on the bus', ['bus', 'outcome'])];

@Injectable()
export class BusMetrics {
  constructor(@InjectMetric('bus_messages_total') private readonly messages: Counter<'bus' | 'outcome'>) {}

  count(bus: string, outcome: 'published' | 'refused' | 'handled' | 'failed', messages: number): void {
    if (messages > 0) this.messages.inc({ bus, outcome }, messages);
  }
}
