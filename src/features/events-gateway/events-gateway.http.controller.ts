import { Controller, Get, type OnModuleInit, Post } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import type {
  DeadLetter,
  Head,
  IngestBatchResponse,
  ListDeadLettersResponse,
  ReadEventsResponse,
} from '../../generated/aerie/events_gateway/v1/events_gateway';
import { RequestTrace, traceOf } from '../../shared/contract/request-trace.decorator';
import { validated } from '../../shared/contract/validation.pipe';
import { HttpRequest, messageOf } from '../../shared/http/http-request.decorator';
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

@Controller('events')
export class EventsGatewayHttpController implements OnModuleInit {
  constructor(
    private readonly gateway: EventsGatewayApi,
    private readonly host: HttpAdapterHost,
  ) {}

  /**
   * `POST /events` on Fastify itself, where it is not served before: Nest's way from route to method costs as much as all the
   * rest of the request. Same validation, same errors; it is public, so there is no guard to pass.
   */
  onModuleInit(): void {
    const fastify = this.host.httpAdapter.getInstance<FastifyInstance>();
    fastify.post('/events', (request) =>
      this.gateway.ingest(validated(messageOf(request), SignedMessageDto), { trace: traceOf(request) }),
    );
  }

  @Post('batch')
  ingestBatch(@HttpRequest() request: SignedMessageDto, @RequestTrace() trace: Trace): Promise<IngestBatchResponse> {
    return this.gateway.ingestBatch(request, { trace });
  }

  @Get()
  readEvents(@HttpRequest() request: ReadEventsDto): Promise<ReadEventsResponse> {
    return this.gateway.readEvents(request);
  }

  @Get('head')
  getHead(@HttpRequest() request: GetHeadDto): Promise<Head> {
    return this.gateway.getHead(request);
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

  @Post('dead-letters/:id/settle')
  settleDeadLetter(@HttpRequest() request: SettleDeadLetterDto): Promise<DeadLetter> {
    return this.gateway.settleDeadLetter(request);
  }
}
