import { Injectable } from '@nestjs/common';
import type { IngestBatchResponse, SignedMessage } from '../../generated/aerie/events_gateway/v1/events_gateway';
import type { Dto } from '../../shared/contract/dto';
import { validated } from '../../shared/contract/validation.pipe';
import { toAppError } from '../../shared/errors/to-app-error';
import { type DuplexCall, serveStream, traceIdOf } from '../../shared/grpc/grpc.stream';
import { Lifecycle } from '../../shared/lifecycle/lifecycle';
import type { Trace } from '../../shared/tracing/trace';
import { EventsGatewayApi } from './events-gateway.api';

const window = 8;
const idleMs = 60_000;

/** `IngestStream`: every message is a batch. A message that is refused is answered in its place. */
@Injectable()
export class EventsGatewayStream {
  constructor(
    private readonly gateway: EventsGatewayApi,
    private readonly lifecycle: Lifecycle,
  ) {}

  /** Resolves when the stream has ended. */
  serve(call: DuplexCall<SignedMessage, IngestBatchResponse>, dto: Dto<SignedMessage>): Promise<void> {
    const trace = { traceId: traceIdOf(call) };
    const options = { window, idleMs, draining: this.lifecycle.draining };
    return serveStream(call, (message) => this.answer(message, dto, trace), options);
  }

  private async answer(message: unknown, dto: Dto<SignedMessage>, trace: Trace): Promise<IngestBatchResponse> {
    try {
      return await this.gateway.ingestBatch(validated(message, dto), { trace });
    } catch (thrown) {
      const { code, message: reason, details } = toAppError(thrown);
      const retryAfterMs = details.retryAfterMs === undefined ? {} : { retryAfterMs: Math.ceil(details.retryAfterMs) };
      return { results: [], error: { code, message: reason, ...retryAfterMs } };
    }
  }
}
