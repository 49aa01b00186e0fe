import type { FastifyReply, FastifyRequest } from 'fastify';

/**
 * A hook for reads: an answer whose ETag the caller has already (`If-None-Match`) is 304 without a body. Tags compare
 * weakly, since proxies that compress make them weak. Source: RFC 9110, 13.1.2
 */
export function notModified(
  request: FastifyRequest,
  reply: FastifyReply,
  payload: unknown,
  done: (error: Error | null, payload?: unknown) => void,
): void {
  const known = request.headers['if-none-match'];
  const tag = known === undefined ? undefined : reply.getHeader('etag');
  if (known === undefined || tag === undefined || reply.statusCode !== 200 || !names(known, opaque(String(tag)))) {
    done(null, payload);
    return;
  }
  reply.code(304).removeHeader('content-type').removeHeader('content-length');
  done(null, null);
}

function names(list: string, tag: string): boolean {
  return list.trim() === '*' || list.split(',').some((one) => opaque(one.trim()) === tag);
}

/** A tag without the mark of a weak one: nginx writes it in lower case, too. */
function opaque(tag: string): string {
  return /^w\//i.test(tag) ? tag.slice(2) : tag;
}
