import type { Metadata } from '@grpc/grpc-js';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { validationFailed } from '../errors/common.errors';

/**
 * The version that `If-Match: "<version>"` names, as a header or as metadata; undefined where there is none, or `*`:
 * whatever there is. A weak tag is taken, too: a proxy that compresses makes ours weak, and the version in it is the same.
 * Source: RFC 9110, 13.1.1
 */
export const IfMatch = createParamDecorator((_data: undefined, context: ExecutionContext): number | undefined => {
  const sent =
    context.getType() === 'http'
      ? context.switchToHttp().getRequest<FastifyRequest>().headers['if-match']
      : context.switchToRpc().getContext<Metadata>().get('if-match')[0];
  if (sent === undefined || sent === '*') return undefined;
  const [, version] = /^(?:W\/)?"([1-9][0-9]{0,15})"$/i.exec(String(sent).trim()) ?? [];
  if (version === undefined || !Number.isSafeInteger(Number(version)))
    throw validationFailed([{ field: 'If-Match', message: 'must be one ETag such as "3"' }]);
  return Number(version);
});

/** The request with the version that its caller meant it for. @throws AppError validation_failed when it is said twice */
export function meantFor<Request extends { readonly expectedVersion?: number | undefined }>(
  request: Request,
  version: number | undefined,
): Request {
  if (version === undefined) return request;
  if (request.expectedVersion !== undefined)
    throw validationFailed([{ field: 'expectedVersion', message: 'is given in two places' }]);
  return { ...request, expectedVersion: version };
}
