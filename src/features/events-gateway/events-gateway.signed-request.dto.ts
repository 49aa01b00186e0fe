import type { IncomingHttpHeaders } from 'node:http';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { SignedMessage } from '../../generated/aerie/events_gateway/v1/events_gateway';
import { bareKey } from '../../shared/contract/idempotency-key';
import { validationFailed } from '../../shared/errors/common.errors';
import { bothSpellings } from './events-gateway.errors';

// As our own senders write it, which costs one look.
const plainHeader = /^t=([1-9][0-9]{0,14})(?:,kid=([A-Za-z0-9_.-]{1,64}))?((?:,v1=[0-9a-f]{64})+)$/;
const digits = /^[1-9][0-9]{0,14}$/;
const webhookNames = ['webhook', 'svix'] as const;

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
  const webhook = webhookNames.filter((name) =>
    ['id', 'timestamp', 'signature'].some((part) => headers[`${name}-${part}`] !== undefined),
  );
  if (webhook.length === 0) return { ...elementsOf(text(signature)), id: bareKey(text(key)), body };
  if (signature !== undefined || key !== undefined) throw bothSpellings();
  const part = (name: string): string => {
    const [ours, other] = [headers[`webhook-${name}`], headers[`svix-${name}`]];
    if (ours !== undefined && other !== undefined && ours !== other) throw bothSpellings();
    return text(ours ?? other);
  };
  const timestamp = part('timestamp');
  return {
    id: part('id'),
    timestamp: digits.test(timestamp) ? Number(timestamp) : 0,
    keyId: '',
    // Two header lines arrive as one, with a comma between them.
    signatures: part('signature')
      .split(/[ \t]/)
      .map(withoutComma)
      .filter((one) => one.includes(',')),
    body,
  };
}

/**
 * The elements of `X-Signature`, in any order, with space around them, in one header line or in several, which arrive as one.
 * Elements and versions that are not ours are passed over: a sender may sign for more than one verifier.
 */
function elementsOf(header: string): Pick<SignedMessage, 'timestamp' | 'keyId' | 'signatures'> {
  const [, plainTime, plainKey = '', list] = plainHeader.exec(header) ?? [];
  if (list !== undefined)
    return { timestamp: Number(plainTime), keyId: plainKey, signatures: list.split(',v1=').slice(1) };
  const elements = header.split(',').map((element) => {
    const [name = '', ...value] = element.split('=');
    return { name: name.trim().toLowerCase(), value: value.join('=').trim() };
  });
  const values = (wanted: string): string[] => elements.filter(({ name }) => name === wanted).map(({ value }) => value);
  const [times, keys] = [new Set(values('t')), new Set(values('kid'))];
  const [time = ''] = times;
  const [keyId = ''] = keys;
  return {
    timestamp: times.size === 1 && digits.test(time) ? Number(time) : 0,
    keyId,
    // Two keys name none: which of them signed cannot be known.
    signatures: keys.size > 1 ? [] : values('v1'),
  };
}

function withoutComma(text: string): string {
  return text.endsWith(',') ? text.slice(0, -1) : text;
}

function text(header: string | string[] | undefined): string {
  return typeof header === 'string' ? header : '';
}
