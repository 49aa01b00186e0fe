import type { IncomingHttpHeaders } from 'node:http';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { SignedMessage } from '../../generated/aerie/events_gateway/v1/events_gateway';
import { validationFailed } from '../../shared/errors/common.errors';
import { bareKey } from '../../shared/rpc/idempotency-key';
import { bothSpellings } from './events-gateway.errors';

const signatureHeader = /^t=([1-9][0-9]{0,14})(?:,kid=([A-Za-z0-9_.-]{1,64}))?((?:,v1=[0-9a-f]{64})+)$/;
const digits = /^[1-9][0-9]{0,14}$/;
const webhookHeaders = ['webhook-id', 'webhook-timestamp', 'webhook-signature'] as const;

/** Headers and raw body of a signed HTTP request as the message that gRPC sends. */
export const SignedRequest = createParamDecorator(
  (_data: undefined, context: ExecutionContext): SignedMessage =>
    signedRequest(context.switchToHttp().getRequest<FastifyRequest>()),
);

export function signedRequest(request: FastifyRequest): SignedMessage {
  const extra = Object.keys(request.query as object)[0];
  if (extra !== undefined) throw validationFailed([{ field: extra.slice(0, 64), message: 'is not a known property' }]);
  return signedMessage(request.headers, Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0));
}

/** What is missing or misspelled becomes a message that cannot verify: the verifier has the one answer for it. */
export function signedMessage(headers: IncomingHttpHeaders, body: Buffer): SignedMessage {
  const key = headers['idempotency-key'];
  const signature = headers['x-signature'];
  const webhook = webhookHeaders.some((name) => headers[name] !== undefined);
  if (!webhook) {
    const [, timestamp = '0', keyId = '', list = ''] = signatureHeader.exec(text(signature)) ?? [];
    return {
      id: bareKey(text(key)),
      timestamp: Number(timestamp),
      keyId,
      signatures: list.split(',v1=').slice(1),
      body,
    };
  }
  if (signature !== undefined || key !== undefined) throw bothSpellings();
  const timestamp = text(headers['webhook-timestamp']);
  const signatures = text(headers['webhook-signature']).split(' ');
  return {
    id: text(headers['webhook-id']),
    timestamp: digits.test(timestamp) ? Number(timestamp) : 0,
    keyId: '',
    signatures: signatures.every((one) => one.startsWith('v1,')) ? signatures : [],
    body,
  };
}

function text(header: string | string[] | undefined): string {
  return typeof header === 'string' ? header : '';
}
