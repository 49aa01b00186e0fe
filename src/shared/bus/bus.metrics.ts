import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { Counter } from 'prom-client';
import { counter } from '../metrics/metrics';

export const busMetrics = [counter('bus_messages_total', 'Messages on the bus', ['bus', 'outcome'])];

/**
 * What became of messages. `refused`: there was no room for them, or nobody took them. `failed`: their handler did; they may
 * come again. `abandoned`: it failed each time. `malformed`: they are none of ours.
 */
export type BusOutcome = 'published' | 'refused' | 'handled' | 'failed' | 'abandoned' | 'malformed';

@Injectable()
export class BusMetrics {
  constructor(@InjectMetric('bus_messages_total') private readonly messages: Counter<'bus' | 'outcome'>) {}

  count(bus: string, outcome: BusOutcome, messages: number): void {
    if (messages > 0) this.messages.inc({ bus, outcome }, messages);
  }
}
