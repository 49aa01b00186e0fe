import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { Counter, Gauge, Histogram } from 'prom-client';
import { counter, duration, gauge } from '../../shared/metrics/metrics';
import type { Command } from './chat.effects';

export type ChatWireName = 'tcp' | 'websocket' | 'grpc' | 'sse';
export type MessageType = 'message' | 'whisper' | 'post';
export type DropReason = 'slow_reader' | 'too_fast' | 'muted';

const wires = ['tcp', 'websocket', 'grpc', 'sse'].map((wire) => ({ wire }));

export const chatMetrics = [
  gauge('chat_connected_clients', 'Clients that are connected', ['wire']),
  counter(
    'chat_messages_total',
    'Messages that were said, by how',
    ['type'],
    ['message', 'whisper', 'post'].map((type) => ({ type })),
  ),
  counter('chat_deliveries_total', 'Frames put on their way to clients', [], [{}]),
  duration('chat_event_processing_seconds', 'One command and its effects', ['type']),
  counter(
    'chat_messages_dropped_total',
    'Frames that a client was too slow for, and messages that were refused',
    ['reason'],
    ['slow_reader', 'too_fast', 'muted'].map((reason) => ({ reason })),
  ),
  counter('chat_clients_ended_total', 'Clients that the server has ended, by why', ['reason']),
  duration('chat_delivery_seconds', 'From a command to its frames being handed to the kernel'),
  gauge('chat_queue_fill', 'How full the fullest queue to a client is, of 1'),
  gauge('chat_rooms', 'Rooms that this process knows'),
];

@Injectable()
export class ChatMetrics {
  private readonly processingOf = new Map<string, { observe(seconds: number): void }>();

  constructor(
    @InjectMetric('chat_connected_clients') private readonly clients: Gauge<'wire'>,
    @InjectMetric('chat_messages_total') private readonly messages: Counter<'type'>,
    @InjectMetric('chat_deliveries_total') private readonly deliveries: Counter,
    @InjectMetric('chat_event_processing_seconds') private readonly processing: Histogram<'type'>,
    @InjectMetric('chat_messages_dropped_total') private readonly drops: Counter<'reason'>,
    @InjectMetric('chat_clients_ended_total') private readonly ends: Counter<'reason'>,
    @InjectMetric('chat_delivery_seconds') private readonly delivery: Histogram,
  ) {
    for (const labels of wires) this.clients.set(labels, 0);
  }

  connected(wire: ChatWireName, difference: 1 | -1): void {
    this.clients.inc({ wire }, difference);
  }

  said(type: MessageType): void {
    this.messages.inc({ type });
  }

  pushed(count: number): void {
    this.deliveries.inc(count);
  }

  processed(type: Command['type'], milliseconds: number): void {
    const known = this.processingOf.get(type) ?? this.processing.labels({ type });
    this.processingOf.set(type, known);
    known.observe(milliseconds / 1000);
  }

  dropped(reason: DropReason): void {
    this.drops.inc({ reason });
  }

  ended(reason: string): void {
    this.ends.inc({ reason });
  }

  delivered(milliseconds: number): void {
    this.delivery.observe(milliseconds / 1000);
  }
}
