import { dirname, join } from 'node:path';
import { Controller, Get, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Page } from '../../shared/contract/page';
import { PageFiles } from '../../shared/http/http.page-files';

/** What the page loads, beside its own address, and the files that it is made of. No id of a sale has a dot. */
const parts: Readonly<Record<string, readonly string[]>> = {
  'page.css': ['', '.steps', '.seats', '.ticket'].map((name) => `reservations.page${name}.css`),
  'page.js': ['reservations.page.js'],
  'account.js': ['reservations.page.account.js'],
  'api.js': ['reservations.page.api.js'],
  'chosen.js': ['reservations.page.chosen.js'],
  'dom.js': ['reservations.page.dom.js'],
  'follow.js': ['reservations.page.follow.js'],
  'hold.js': ['reservations.page.hold.js'],
  'line.js': ['reservations.page.line.js'],
  'pay.js': ['reservations.page.pay.js'],
  'plan.js': ['reservations.page.plan.js'],
  'shop.js': ['reservations.page.shop.js'],
  'ticket.js': ['reservations.page.ticket.js'],
  'time.js': ['reservations.page.time.js'],
  'words.js': ['reservations.page.words.js'],
  // It has no other way in for a browser than its file.
  'qr.js': [join(dirname(require.resolve('uqr')), 'index.mjs')],
};

/** The page of a sale: waiting, choosing, paying, the ticket. HTTP only: it speaks with the same calls as everybody. */
@Controller('drops')
export class DropPageController {
  private readonly files = new PageFiles(__dirname, 'reservations.page.html', parts);

  @Get(':saleId')
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
export const dropPages: readonly Page[] = [
  {
    http: 'GET /drops/:saleId',
    operationId: 'dropPage',
    service: 'reservations',
    summary: 'The page of a sale in a browser: its waiting room, what there is to choose, paying, the ticket',
    answers: {
      200: {
        description: 'The same for every sale; its styles and scripts are below /drops',
        contentType: 'text/html',
        schema: z.string(),
        example: '<!doctype html>\n<html lang="en">...</html>\n',
      },
    },
  },
];
