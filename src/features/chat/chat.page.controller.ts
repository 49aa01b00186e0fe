import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Controller, Get, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Page } from '../../shared/contract/page';

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
const types = { html: 'text/html', css: 'text/css', js: 'text/javascript' };

/** The page loads its own files, speaks with the server that it came from, and does nothing else. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  // The icon, which stands in the page.
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  // No text is ever read as markup.
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

/** In memory: an answer from a file keeps the file open for as long as somebody does not read it. */
class PageFile {
  private readonly headers: Readonly<Record<string, string>>;

  constructor(
    type: string,
    private readonly body: Buffer,
  ) {
    const tag = createHash('sha256').update(body).digest('base64url').slice(0, 22);
    this.headers = {
      etag: `"${tag}"`,
      'content-type': `${type}; charset=utf-8`,
      'cache-control': 'no-cache',
      'content-security-policy': policy,
    };
  }

  /** @throws Error at start, when the build has not copied a file (`assets` of nest-cli.json) */
  static read(names: readonly string[]): PageFile {
    const [first = ''] = names;
    const type = types[first.slice(first.lastIndexOf('.') + 1) as keyof typeof types];
    return new PageFile(type, Buffer.concat(names.map((name) => readFileSync(join(__dirname, name)))));
  }

  answer(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    reply.headers(this.headers);
    // Not compared as a whole: a proxy that compresses makes the tag a weak one.
    const isKnown = request.headers['if-none-match']?.includes(this.headers.etag ?? '');
    return isKnown ? reply.code(304).removeHeader('content-type').send() : reply.send(this.body);
  }
}

/** The page where people talk, and what it loads. HTTP only: it speaks with the server over WebSocket. */
@Controller('chat')
export class ChatPageController {
  private readonly html = PageFile.read(['chat.page.html']);
  private readonly parts = new Map(Object.entries(parts).map(([path, names]) => [path, PageFile.read(names)]));

  @Get()
  page(@Req() request: FastifyRequest, @Res() reply: FastifyReply): FastifyReply {
    return this.html.answer(request, reply);
  }

  @Get(Object.keys(parts))
  // Anybody may get them, and they are no pages of their own that the document would have to tell of.
  @RouteConfig({ open: 'public' })
  part(@Req() request: FastifyRequest, @Res() reply: FastifyReply): FastifyReply {
    return (this.parts.get(request.routeOptions.url?.replace('/chat/', '') ?? '') ?? this.html).answer(request, reply);
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
