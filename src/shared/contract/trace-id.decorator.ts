import type { Metadata } from '@grpc/grpc-js';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

/** The trace id of the request, on both wires: for hot routes, which are served without a request context. */
export const TraceId = createParamDecorator((_data: undefined, context: ExecutionContext): string => {
  if (context.getType() === 'http') return context.switchToHttp().getRequest<FastifyRequest>().traceId;
  return String(context.switchToRpc().getContext<Metadata>().get('x-trace-id')[0]);
});
