import { dirname, join } from 'node:path';
import { Controller, Get, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Page } from '../../shared/contract/page';
import { PageFiles } from '../../shared/http/http.page-files';

const names = [
  ...[
    'api',
    'app',
    'blocks',
    'chart',
    'dialog',
    'english',
    'englishacts',
    'flags',
    'history',
    'korean',
    'koreanacts',
    'letters',
  ],
  ...[
    'markup',
    'overview',
    'parts',
    'player',
    'rules',
    'sale',
    'sales',
    'session',
    'system',
    'terms',
    'views',
    'words',
  ],
];

/** A file beside the one that a package answers with. */
function foreign(name: string, file: string): string {
  return join(dirname(require.resolve(name)), file);
}

/** What the page loads, below its own address, and the files that it is made of. */
const parts: Readonly<Record<string, readonly string[]>> = {
  'page.css': [
    foreign('uplot', 'uPlot.min.css'),
    ...['', '.forms', '.parts', '.charts'].map((name) => `console.page${name}.css`),
  ],
  'page.js': ['console.page.js'],
  ...Object.fromEntries(names.map((name) => [`${name}.js`, [`console.page.${name}.js`]])),
  'preact.js': [foreign('preact', 'preact.mjs')],
  'htm.js': [foreign('htm', 'htm.mjs')],
  'uplot.js': [foreign('uplot', 'uPlot.esm.js')],
};

/** The page of operators, and what it loads. It has no rights of its own: whoever signs in makes the calls that everybody makes. */
@Controller('console')
export class ConsolePageController {
  private readonly files = new PageFiles(__dirname, 'console.page.html', parts);

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
export const consolePages: readonly Page[] = [
  {
    http: 'GET /console',
    operationId: 'consolePage',
    service: 'console',
    summary: 'The console of operators in a browser; who signs in there needs the rights of an administrator',
    answers: {
      200: {
        description: 'The page; its styles and scripts are below /console',
        contentType: 'text/html',
        schema: z.string(),
        example: '<!doctype html>\n<html lang="en">...</html>\n',
      },
    },
  },
];
