import { Controller, Get, Post } from '@nestjs/common';
import type {
  ConfirmEventsResponse,
  DeadLetter,
  IngestBatchResponse,
  ListDeadLettersResponse,
  OldestPendingResponse,
} from '../../generated/aerie/events_gateway/v1/events_gateway';
import { TraceId } from '../../shared/contract/trace-id.decorator';
import { HttpRequest } from '../../shared/http/http-request.decorator';
import {
  ConfirmEventsDto,
  ListDeadLettersDto,
  OldestPendingDto,
  ParkEventDto,
  RedriveDeadLetterDto,
  SignedMessageDto,
} from './events-gateway.dto';
import { EventsGatewayService } from './events-gateway.service';

@Controller('events')
export class EventsGatewayHttpController {
  constructor(private readonly gateway: EventsGatewayService) {}

  @Post('batch')
  ingestBatch(@HttpRequest() request: SignedMessageDto, @TraceId() traceId: string): Promise<IngestBatchResponse> {
    return this.gateway.ingestBatch(request, traceId);
  }

  @Post('confirmations')
  confirmEvents(@HttpRequest() request: ConfirmEventsDto): Promise<ConfirmEventsResponse> {
    return this.gateway.confirmEvents(request);
  }

  @Get('pending')
  oldestPending(@HttpRequest() request: OldestPendingDto): Promise<OldestPendingResponse> {
    return this.gateway.oldestPending(request);
  }

  @Post('dead-letters')
  parkEvent(@HttpRequest() request: ParkEventDto): Promise<DeadLetter> {
    return this.gateway.parkEvent(request);
  }

  @Get('dead-letters')
  listDeadLetters(@HttpRequest() request: ListDeadLettersDto): Promise<ListDeadLettersResponse> {
    return this.gateway.listDeadLetters(request);
  }

  @Post('dead-letters/:id/redrive')
  redriveDeadLetter(@HttpRequest() request: RedriveDeadLetterDto): Promise<DeadLetter> {
    return this.gateway.redriveDeadLetter(request);
  }
}
