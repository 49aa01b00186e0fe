import { Module } from '@nestjs/common';
import { AsyncModule } from '../async/async.module';
import { BusModule } from '../bus/bus.module';
import { TracingModule } from '../otel/tracing.module';
import { ListenerParts } from './news-listener';
import { OutboxParts } from './outbox';
import { OutboxMetrics, outboxMetrics } from './outbox.metrics';

@Module({
  imports: [AsyncModule, BusModule, TracingModule],
  providers: [OutboxParts, ListenerParts, OutboxMetrics, ...outboxMetrics],
  exports: [OutboxParts, ListenerParts],
})
export class OutboxModule {}
