import type { Metadata } from '@grpc/grpc-js';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { validationFailed } from '../errors/common.errors';
import { idempotencyKey } from './schemas';

/** A key may be sent as a quoted string (structured field, RFC 9651); the quotes are not part of it. */
export function bareKey(key: string): string {
  return /^"(.*)"$/.exec(key)?.[1] ?? key;
}

/** The optional Idempotency-Key of a call, on both wires, checked for its form. */
export const IdempotencyKey = createParamDecorator(
  (_data: undefined, context: ExecutionContext): string | undefined => {
    const sent =
      context.getType() === 'http'
        ? context.switchToHttp().getRequest<FastifyRequest>().headers['idempotency-key']
        : context.switchToRpc().getContext<Metadata>().get('idempotency-key')[0];
    if (sent === undefined) return undefined;
    const key = bareKey(String(sent));
    const result = idempotencyKey.safeParse(key);
    if (!result.success)
      throw validationFailed([
        { field: 'Idempotency-Key', message: result.error.issues[0]?.message ?? 'is not valid' },
      ]);
    return key;
  },
);
