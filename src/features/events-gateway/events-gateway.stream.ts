import type { ServerDuplexStream } from '@grpc/grpc-js';
import { Injectable } from '@nestjs/common';
import type { IngestBatchResponse, SignedMessage } from '../../generated/aerie/events_gateway/v1/events_gateway';
import { toAppError } from '../../shared/errors/to-app-error';
import { Lifecycle } from '../../shared/lifecycle/lifecycle';
import { serveStream } from '../../shared/rpc/grpc.stream';
import { ValidationPipe } from '../../shared/rpc/validation.pipe';
import { SignedMessageDto } from './events-gateway.dto';
import { EventsGatewayService } from './events-gateway.service';

const window = 8;
const idleMs = 60_000;

/** `IngestStream`: every message is a batch. A message that is refused is answered in its place. */
@Injectable()
export class IngestStream {
  private readonly pipe = new ValidationPipe();

  constructor(
    private readonly gateway: EventsGatewayService,
    private readonly lifecycle: Lifecycle,
  ) {}

  serve(call: ServerDuplexStream<SignedMessage, IngestBatchResponse>): Promise<void> {
    const traceId = String(call.metadata.get('x-trace-id')[0]);
    return serveStream(call, (message) => this.answer(message, traceId), {
      window,
      idleMs,
      draining: this.lifecycle.draining,
    });
  }

  private async answer(message: unknown, traceId: string): Promise<IngestBatchResponse> {
    try {
      const request = this.pipe.transform(message, { type: 'body', metatype: SignedMessageDto }) as SignedMessage;
      return await this.gateway.ingestBatch(request, traceId);
    } catch (thrown) {
      const { code, message: reason, details } = toAppError(thrown);
      const retryAfterMs = details.retryAfterMs === undefined ? {} : { retryAfterMs: Math.ceil(details.retryAfterMs) };
      return { results: [], error: { code, message: reason, ...retryAfterMs } };
    }
  }
}
