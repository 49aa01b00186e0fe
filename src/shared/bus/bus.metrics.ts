import { Injectable } from '@nestjs/common';
import { Metrics } from '../metrics/metrics';

@Injectable()
export class BusMetrics {
  private readonly messages;

  constructor(metrics: Metrics) {
    this.messages = metrics.counter('bus_messages_total', 'Messages on the bus', ['bus', 'outcome']);
  }

  count(bus: string, outcome: 'published' | 'refused' | 'handled' | 'failed', messages: number): void {
    if (messages > 0) this.messages.inc({ bus, outcome }, messages);
  }
}
