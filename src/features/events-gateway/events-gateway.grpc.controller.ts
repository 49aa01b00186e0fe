import type { ServerDuplexStream } from '@grpc/grpc-js';
import { Controller } from '@nestjs/common';
import { GrpcMethod, GrpcStreamCall, Payload } from '@nestjs/microservices';
import type {
  DeadLetter,
  Head,
  IngestBatchResponse,
  IngestResponse,
  ListDeadLettersResponse,
  ReadEventsResponse,
  SignedMessage,
} from '../../generated/aerie/events_gateway/v1/events_gateway';
import { RequestTrace } from '../../shared/contract/request-trace.decorator';
import type { Trace } from '../../shared/tracing/trace';
import { EventsGatewayApi } from './events-gateway.api';
import {
  GetHeadDto,
  ListDeadLettersDto,
  ParkEventDto,
  ReadEventsDto,
  RedriveDeadLetterDto,
  SettleDeadLetterDto,
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
  ingest(@Payload() request: SignedMessageDto, @RequestTrace() trace: Trace): Promise<IngestResponse> {
    return this.gateway.ingest(request, { trace });
  }

  @GrpcMethod('EventsGatewayService')
  ingestBatch(@Payload() request: SignedMessageDto, @RequestTrace() trace: Trace): Promise<IngestBatchResponse> {
    return this.gateway.ingestBatch(request, { trace });
  }

  @GrpcStreamCall('EventsGatewayService')
  ingestStream(call: ServerDuplexStream<SignedMessage, IngestBatchResponse>): Promise<void> {
    return this.stream.serve(call, SignedMessageDto);
  }

  @GrpcMethod('EventsGatewayService')
  readEvents(@Payload() request: ReadEventsDto): Promise<ReadEventsResponse> {
    return this.gateway.readEvents(request);
  }

  @GrpcMethod('EventsGatewayService')
  getHead(@Payload() request: GetHeadDto): Promise<Head> {
    return this.gateway.getHead(request);
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

  @GrpcMethod('EventsGatewayService')
  settleDeadLetter(@Payload() request: SettleDeadLetterDto): Promise<DeadLetter> {
    return this.gateway.settleDeadLetter(request);
  }
}
