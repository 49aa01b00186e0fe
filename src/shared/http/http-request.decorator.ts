import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { isInQuery } from '../contract/contract';
import { HttpParts } from '../contract/http-parts';

/** Path and query, or path and body, as one message: a URL is only another spelling of an RPC. */
export const HttpRequest = createParamDecorator((_data: undefined, context: ExecutionContext) => {
  const request = context.switchToHttp().getRequest<FastifyRequest>();
  const entry = request.routeOptions.config.entry;
  return new HttpParts(
    request.params as Record<string, string>,
    request.query as Record<string, string | string[]>,
    request.body,
    {
      inQuery: entry?.route !== undefined && isInQuery(entry.route),
      tracked: entry?.access === 'public' && request.method === 'GET',
      patch: request.method === 'PATCH',
    },
  );
});
