import { Controller, Get, Optional, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Page } from '../../shared/contract/page';
import { streamQuery } from './chat.dto';
import { ChatStream, streamElsewhere } from './chat.stream';

/** `GET /chat/stream`: a room as server-sent events, for browsers and for programs that only listen. */
@Controller('chat')
export class ChatStreamController {
  /** `streams` is missing where chat runs in another process. */
  constructor(@Optional() private readonly streams?: ChatStream) {}

  @Get('stream')
  stream(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<FastifyReply> {
    return this.streams ? this.streams.open(request, reply) : streamElsewhere();
  }
}

/** The stream, and the door of the WebSocket, as OpenAPI describes them. */
export const chatStreamPages: readonly Page[] = [
  {
    http: 'GET /chat/stream',
    operationId: 'streamChat',
    service: 'chat',
    summary: 'A room as server-sent events; a browser that comes back resumes by Last-Event-ID',
    access: 'optional',
    query: streamQuery,
    endless: true,
    answers: {
      200: {
        description: 'Events named like the frames of the WebSocket: room, message, joined, left, deleted, missed, bye',
        contentType: 'text/event-stream',
        schema: z.string(),
        example: 'event: joined\ndata: {"type":"joined","name":"ada","room":"lobby"}\n\n',
      },
    },
  },
];
