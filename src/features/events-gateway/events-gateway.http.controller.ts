import { Controller, Get, HttpCode, Post } from '@nestjs/common';
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
import { SignedRequest } from './events-gateway.signed-request.dto';

@Controller('events')
export class EventsGatewayHttpController {
  constructor(private readonly gateway: EventsGatewayService) {}

  @Post('batch')
  @HttpCode(200)
  ingestBatch(@SignedRequest() request: SignedMessageDto, @TraceId() traceId: string): Promise<IngestBatchResponse> {
    return this.gateway.ingestBatch(request, traceId);
  }

  @Post('confirmations')
  @HttpCode(200)
  confirmEvents(@HttpRequest() request: ConfirmEventsDto): Promise<ConfirmEventsResponse> {
    return this.gateway.confirmEvents(request);
  }

  @Get('pending')
  oldestPending(@HttpRequest() request: OldestPendingDto): Promise<OldestPendingResponse> {
    return this.gateway.oldestPending(request);
  }

  @Post('dead-letters')
  @HttpCode(200)
  parkEvent(@HttpRequest() request: ParkEventDto): Promise<DeadLetter> {
    return this.gateway.parkEvent(request);
  }

  @Get('dead-letters')
  listDeadLetters(@HttpRequest() request: ListDeadLettersDto): Promise<ListDeadLettersResponse> {
    return this.gateway.listDeadLetters(request);
  }

  @Post('dead-letters/:id/redrive')
  @HttpCode(200)
  redriveDeadLetter(@HttpRequest() request: RedriveDeadLetterDto): Promise<DeadLetter> {
    return this.gateway.redriveDeadLetter(request);
  }
}
