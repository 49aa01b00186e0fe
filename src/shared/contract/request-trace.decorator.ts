import type { Metadata } from '@grpc/grpc-js';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Trace } from '../tracing/trace';
import { stampedTrace } from './grpc.span';

/** The trace of the request, on both wires: for hot routes, which are served without a request context. */
export const RequestTrace = createParamDecorator((_data: undefined, context: ExecutionContext): Trace => {
  if (context.getType() !== 'http') return stampedTrace(context.switchToRpc().getContext<Metadata>());
  return traceOf(context.switchToHttp().getRequest<FastifyRequest>());
});

export function traceOf({ traceId, span }: FastifyRequest): Trace {
  return { traceId, spanId: span?.spanId };
}
