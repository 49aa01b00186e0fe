import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { FastifyReply, FastifyRequest } from 'fastify';

const types = { html: 'text/html', css: 'text/css', js: 'text/javascript', mjs: 'text/javascript' };

/** A page loads its own files, speaks with the server that it came from, and does nothing else. */
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
class StaticFile {
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

  static read(paths: readonly string[]): StaticFile {
    const [first = ''] = paths;
    const type = types[first.slice(first.lastIndexOf('.') + 1) as keyof typeof types];
    return new StaticFile(type, Buffer.concat(paths.map((path) => readFileSync(path))));
  }

  answer(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    reply.headers(this.headers);
    // Not compared as a whole: a proxy that compresses makes the tag a weak one.
    const isKnown = request.headers['if-none-match']?.includes(this.headers.etag ?? '');
    return isKnown ? reply.code(304).removeHeader('content-type').send() : reply.send(this.body);
  }
}

/** A page for browsers and what it loads, served as the files stand. */
export class PageFiles {
  private readonly html: StaticFile;
  private readonly parts: ReadonlyMap<string, StaticFile>;

  /**
   * `parts`: by the last step of its path, the files that a part is made of, one after the other.
   * @throws Error at start, when the build has not copied a file (`assets` of nest-cli.json)
   */
  constructor(folder: string, html: string, parts: Readonly<Record<string, readonly string[]>>) {
    const read = (names: readonly string[]): StaticFile => StaticFile.read(names.map((name) => resolve(folder, name)));
    this.html = read([html]);
    this.parts = new Map(Object.entries(parts).map(([path, names]) => [path, read(names)]));
  }

  page(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    return this.html.answer(request, reply);
  }

  /** The part by whose path the route is called. */
  part(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const name = request.routeOptions.url?.split('/').at(-1) ?? '';
    return (this.parts.get(name) ?? this.html).answer(request, reply);
  }
}
