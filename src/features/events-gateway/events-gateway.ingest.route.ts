import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { validated } from '../../shared/contract/validation.pipe';
import { messageOf } from '../../shared/http/http-request.decorator';
import { SignedMessageDto } from './events-gateway.dto';
import { EventsGatewayService } from './events-gateway.service';

/**
 * `POST /events` on Fastify itself: Nest's way from route to method costs as much as all the rest of the request. Same
 * hooks, same validation, same errors; it is public, so there is no guard to pass.
 */
@Injectable()
export class IngestRoute implements OnModuleInit {
  constructor(
    private readonly host: HttpAdapterHost,
    private readonly gateway: EventsGatewayService,
  ) {}

  onModuleInit(): void {
    const fastify = this.host.httpAdapter.getInstance<FastifyInstance>();
    fastify.post('/events', (request) => {
      return this.gateway.ingest(validated(messageOf(request), SignedMessageDto), request.traceId);
    });
  }
}
