import { Controller, Get, Optional, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { dto } from '../../shared/contract/dto';
import { HttpParts } from '../../shared/contract/http-parts';
import type { Page } from '../../shared/contract/page';
import { validated } from '../../shared/contract/validation.pipe';
import { chatElsewhere } from './chat.errors';
import { afterSeq, epoch, lobby, room } from './chat.fields';
import { ChatSpeakers } from './chat.speakers';
import { ChatStream, resumeAfter } from './chat.stream';

const query = z.strictObject({ room: room.optional(), afterSeq: afterSeq.optional(), epoch: epoch.optional() });

class StreamChatDto extends dto<z.output<typeof query>>(query) {}

/** `GET /chat/stream`: a room as server-sent events, for browsers and for programs that only listen. */
@Controller('chat')
export class ChatStreamController {
  /** Both are missing where chat runs in another process. */
  constructor(
    @Optional() private readonly streams?: ChatStream,
    @Optional() private readonly speakers?: ChatSpeakers,
  ) {}

  @Get('stream')
  async stream(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    if (!this.streams || !this.speakers) throw chatElsewhere();
    const parts = new HttpParts({}, request.query as Record<string, string>, undefined, {
      inQuery: true,
      tracked: true,
    });
    const { room: name = lobby, ...asked } = validated(parts, StreamChatDto);
    await this.speakers.admit();
    const last = request.headers['last-event-id'];
    const resume = last === undefined ? asked : resumeAfter(String(last));
    reply.hijack();
    const said = reply.getHeaders() as Record<string, string>;
    this.streams.serve(reply.raw, said, name, resume);
  }
}

const frame = z
  .object({ type: z.string(), room: z.string().optional(), seq: z.number().int().optional() })
  .meta({ id: 'ChatEvent' });

/** The stream as OpenAPI describes it. */
export const chatStreamPages: readonly Page[] = [
  {
    http: 'GET /chat/stream',
    operationId: 'streamChat',
    service: 'chat',
    summary: 'A room as server-sent events; a browser that comes back resumes by Last-Event-ID',
    access: 'optional',
    query,
    endless: true,
    answers: {
      200: {
        description: 'Events named like the frames of the WebSocket: room, message, joined, left, deleted, missed, bye',
        contentType: 'text/event-stream',
        schema: frame,
        example: 'event: joined\ndata: {"type":"joined","name":"ada","room":"lobby"}\n\n',
      },
    },
  },
];
