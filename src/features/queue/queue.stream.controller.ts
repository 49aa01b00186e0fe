import { Controller, Get, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Page } from '../../shared/contract/page';
import { HttpRequest } from '../../shared/http/http-request.decorator';
import { WatchQueueDto } from './queue.dto';
import { QueueWatch } from './queue.watch';

/** `GET /queue/stream?ticket=`: a place in a waiting room as server-sent events. */
@Controller('queue')
export class QueueStreamController {
  constructor(private readonly watching: QueueWatch) {}

  @Get('stream')
  stream(@HttpRequest() request: WatchQueueDto, @Res() reply: FastifyReply): Promise<FastifyReply> {
    return this.watching.stream(reply, request);
  }
}

/** The stream as OpenAPI describes it. */
export const queuePages: readonly Page[] = [
  {
    http: 'GET /queue/stream',
    operationId: 'streamQueue',
    service: 'queue',
    summary: 'A place in a waiting room as server-sent events, whenever it has changed, until the ticket has ended',
    query: z.strictObject({ ticket: z.string() }),
    endless: true,
    errors: { 404: ['queue_ticket_not_found'], 429: ['rate_limited'] },
    answers: {
      200: {
        description: 'Events: changed with a status, done at the end of the ticket, error',
        contentType: 'text/event-stream',
        schema: z.string(),
        example: 'event: changed\ndata: {"status":"waiting","position":12,"ahead":11}\n\n',
      },
    },
  },
];
