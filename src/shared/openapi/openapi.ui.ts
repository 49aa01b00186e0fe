import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { RouteTable } from '../contract/route-table';
import { openApi } from './openapi';

const version = '1.0';

interface PageFile {
  readonly type: string;
  readonly body: Buffer;
  readonly etag: string;
}

// Every address is relative, so that the page is right below a path prefix, too.
const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Aerie API</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
<link rel="icon" type="image/png" href="docs/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
`;
const script = `SwaggerUIBundle({ url: 'docs/openapi.json', dom_id: '#swagger-ui', deepLinking: true });\n`;

/**
 * `/docs` (Swagger UI) and `/docs/openapi.json`. All of it is in memory: an answer from a file keeps the file open for as
 * long as somebody does not read it.
 */
export function serveDocs(fastify: FastifyInstance, routes: RouteTable, publicUrl: string | undefined): void {
  const ui = dirname(require.resolve('swagger-ui-dist/package.json'));
  const files: Readonly<Record<string, PageFile>> = {
    '/docs': page('text/html; charset=utf-8', Buffer.from(html)),
    '/docs/start.js': page('text/javascript; charset=utf-8', Buffer.from(script)),
    '/docs/swagger-ui-bundle.js': page(
      'text/javascript; charset=utf-8',
      readFileSync(join(ui, 'swagger-ui-bundle.js')),
    ),
    '/docs/swagger-ui.css': page('text/css; charset=utf-8', readFileSync(join(ui, 'swagger-ui.css'))),
    '/docs/favicon-32x32.png': page('image/png', readFileSync(join(ui, 'favicon-32x32.png'))),
    '/docs/openapi.json': page(
      'application/json; charset=utf-8',
      Buffer.from(JSON.stringify(openApi(routes, version, publicUrl))),
    ),
  };
  for (const [path, { type, body, etag }] of Object.entries(files)) {
    fastify.get(path, { config: { open: 'public' } }, (request, reply) => {
      reply.header('etag', etag).header('cache-control', 'no-cache');
      if (request.headers['if-none-match'] === etag) return reply.code(304).send();
      return reply.type(type).send(body);
    });
  }
  fastify.get('/docs/', { config: { open: 'public' } }, (_request, reply) => reply.redirect('../docs', 308));
}

function page(type: string, body: Buffer): PageFile {
  return { type, body, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` };
}
