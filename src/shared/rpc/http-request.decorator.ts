import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { HttpParts } from './http-parts';

/** Path, query and body as one message: a URL is only another spelling of an RPC. */
export const HttpRequest = createParamDecorator((_data: undefined, context: ExecutionContext) => {
  const request = context.switchToHttp().getRequest<FastifyRequest>();
  return new HttpParts(
    request.params as Record<string, string>,
    request.query as Record<string, string | string[]>,
    request.body,
  );
});
