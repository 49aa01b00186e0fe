import type { ServerDuplexStream } from '@grpc/grpc-js';
import { Controller } from '@nestjs/common';
import { GrpcMethod, GrpcStreamCall, Payload } from '@nestjs/microservices';
import type {
  ConfirmEventsResponse,
  DeadLetter,
  IngestBatchResponse,
  IngestResponse,
  ListDeadLettersResponse,
  OldestPendingResponse,
  SignedMessage,
} from '../../generated/aerie/events_gateway/v1/events_gateway';
import { TraceId } from '../../shared/contract/trace-id.decorator';
import { EventsGatewayApi } from './events-gateway.api';
import {
  ConfirmEventsDto,
  ListDeadLettersDto,
  OldestPendingDto,
  ParkEventDto,
  RedriveDeadLetterDto,
  SignedMessageDto,
} from './events-gateway.dto';
import { EventsGatewayStream } from './events-gateway.stream';

@Controller()
export class EventsGatewayGrpcController {
  constructor(
    private readonly gateway: EventsGatewayApi,
    private readonly stream: EventsGatewayStream,
  ) {}

  @GrpcMethod('EventsGatewayService')
  ingest(@Payload() request: SignedMessageDto, @TraceId() traceId: string): Promise<IngestResponse> {
    return this.gateway.ingest(request, { traceId });
  }

  @GrpcMethod('EventsGatewayService')
  ingestBatch(@Payload() request: SignedMessageDto, @TraceId() traceId: string): Promise<IngestBatchResponse> {
    return this.gateway.ingestBatch(request, { traceId });
  }

  @GrpcStreamCall('EventsGatewayService')
  ingestStream(call: ServerDuplexStream<SignedMessage, IngestBatchResponse>): Promise<void> {
    return this.stream.serve(call, SignedMessageDto);
  }

  @GrpcMethod('EventsGatewayService')
  confirmEvents(@Payload() request: ConfirmEventsDto): Promise<ConfirmEventsResponse> {
    return this.gateway.confirmEvents(request);
  }

  @GrpcMethod('EventsGatewayService')
  oldestPending(@Payload() request: OldestPendingDto): Promise<OldestPendingResponse> {
    return this.gateway.oldestPending(request);
  }

  @GrpcMethod('EventsGatewayService')
  parkEvent(@Payload() request: ParkEventDto): Promise<DeadLetter> {
    return this.gateway.parkEvent(request);
  }

  @GrpcMethod('EventsGatewayService')
  listDeadLetters(@Payload() request: ListDeadLettersDto): Promise<ListDeadLettersResponse> {
    return this.gateway.listDeadLetters(request);
  }

  @GrpcMethod('EventsGatewayService')
  redriveDeadLetter(@Payload() request: RedriveDeadLetterDto): Promise<DeadLetter> {
    return this.gateway.redriveDeadLetter(request);
  }
}
