import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { isInQuery } from '../contract/contract';
import { HttpParts } from '../contract/http-parts';
import { readSigned, type SignedCall } from '../contract/signed-call';
import { validationFailed } from '../errors/common.errors';

export const requestFactory = (_data: undefined, context: ExecutionContext) =>
  messageOf(context.switchToHttp().getRequest<FastifyRequest>());

export const HttpRequest = createParamDecorator(requestFactory);

/** Path and query, or path and body, as one message: a URL is only another spelling of an RPC. So are headers, if it is signed. */
export function messageOf(request: FastifyRequest): HttpParts | SignedCall {
  const entry = request.routeOptions.config.entry;
  const signed = entry?.route?.signed;
  if (signed) {
    const extra = Object.keys(request.query as object)[0];
    if (extra !== undefined)
      throw validationFailed([{ field: extra.slice(0, 64), message: 'is not a known property' }]);
    // A path that names something besides: what is signed is the body.
    return { ...(request.params as Record<string, string>), ...readSigned(signed, request.headers, request.body) };
  }
  return new HttpParts(
    request.params as Record<string, string>,
    request.query as Record<string, string | string[]>,
    request.body,
    {
      // A page is read, too.
      inQuery: entry?.route ? isInQuery(entry.route) : request.method === 'GET',
      tracked: (entry?.access === 'public' || entry?.access === 'optional') && request.method === 'GET',
      patch: request.method === 'PATCH',
    },
  );
}
