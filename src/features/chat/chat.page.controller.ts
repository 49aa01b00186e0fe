import { Controller, Get, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Page } from '../../shared/contract/page';
import { PageFiles } from '../../shared/http/http.page-files';

/** What the page loads, below its own address, and the files that it is made of. */
const parts: Readonly<Record<string, readonly string[]>> = {
  'page.css': ['chat.page.css', 'chat.page.conversation.css', 'chat.page.composer.css'],
  'page.js': ['chat.page.js'],
  'composer.js': ['chat.page.composer.js'],
  'log.js': ['chat.page.log.js'],
  'outbox.js': ['chat.page.outbox.js'],
  'people.js': ['chat.page.people.js'],
  'session.js': ['chat.page.session.js'],
  'users.js': ['chat.page.users.js'],
};

/** The page where people talk, and what it loads. HTTP only: it speaks with the server over WebSocket. */
@Controller('chat')
export class ChatPageController {
  private readonly files = new PageFiles(__dirname, 'chat.page.html', parts);

  @Get()
  page(@Req() request: FastifyRequest, @Res() reply: FastifyReply): FastifyReply {
    return this.files.page(request, reply);
  }

  @Get(Object.keys(parts))
  // Anybody may get them, and they are no pages of their own that the document would have to tell of.
  @RouteConfig({ open: 'public' })
  part(@Req() request: FastifyRequest, @Res() reply: FastifyReply): FastifyReply {
    return this.files.part(request, reply);
  }
}

/** The page as OpenAPI describes it. */
export const chatPages: readonly Page[] = [
  {
    http: 'GET /chat',
    operationId: 'chatPage',
    service: 'chat',
    summary: 'The page where people talk in a browser',
    answers: {
      200: {
        description: 'Its styles and scripts are below /chat',
        contentType: 'text/html',
        schema: z.string(),
        example: '<!doctype html>\n<html lang="en">...</html>\n',
      },
    },
  },
];
