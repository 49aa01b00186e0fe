import type { Metadata } from '@grpc/grpc-js';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { validationFailed } from '../errors/common.errors';
import { idempotencyKey } from './schemas';

// A string of structured fields: printable ASCII, in which \ stands before " and \ and nothing else. Source: RFC 9651, 3.3.3
const quoted = /^"((?:[ !#-[\]-~]|\\["\\])*)"$/;
const tooLong = 1024;

/**
 * A key may be sent as a quoted string; the quotes are not part of it. What begins with one and is no such string is no key,
 * and comes out as text that no key may be.
 */
export function bareKey(key: string): string {
  if (!key.startsWith('"')) return key;
  const bare = key.length > tooLong ? undefined : quoted.exec(key)?.[1]?.replace(/\\(.)/g, '$1');
  return bare || ' ';
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
