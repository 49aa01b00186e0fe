import { z } from 'zod';
import type {
  GetHeadRequest,
  ListDeadLettersRequest,
  ParkEventRequest,
  ReadEventsRequest,
  RedriveDeadLetterRequest,
  SettleDeadLetterRequest,
  SignedMessage,
} from '../../generated/aerie/events_gateway/v1/events_gateway';
import { dto } from '../../shared/contract/dto';
import {
  idempotencyKey,
  pageSize,
  pageToken,
  text,
  timeAnswer,
  ulid,
  wholeNumber,
} from '../../shared/contract/schemas';
import { consumers } from './events-gateway.consumers';

// Features hear one another as they like, so any name may be asked for.
const featureName = z.string('must be a string').regex(/^[a-z][a-z-]{0,31}$/, 'must be the name of a feature');
const consumer = z.enum(consumers as [string, ...string[]], `must be ${consumers.join(' or ')}`);

/**
 * The verifier judges everything that the signature covers, which has one answer for all of it; here only the id's form.
 * An empty id is a missing key, which has its own error.
 */
export class SignedMessageDto extends dto<SignedMessage>(
  z.strictObject({
    id: z.union(
      [z.literal(''), idempotencyKey],
      'must be 1-255 printable ASCII characters, without a space at the ends',
    ),
    timestamp: z.number('must be a number'),
    keyId: z.string('must be a string'),
    signatures: z.array(z.string('must be a string')),
    body: z.custom<Buffer>((value) => Buffer.isBuffer(value), 'must be bytes'),
  }),
) {}

export class ReadEventsDto extends dto<ReadEventsRequest>(
  z.strictObject({
    afterSeq: wholeNumber(0, Number.MAX_SAFE_INTEGER),
    afterId: idempotencyKey.optional(),
    limit: wholeNumber(1, 1000).optional(),
    consumer: consumer.optional(),
  }),
) {}

export class GetHeadDto extends dto<GetHeadRequest>(z.strictObject({ consumer: consumer.optional() })) {}

export class ParkEventDto extends dto<ParkEventRequest>(
  z.strictObject({ eventId: idempotencyKey, consumer, reason: text(1, 1000) }),
) {}

export class ListDeadLettersDto extends dto<ListDeadLettersRequest>(
  z.strictObject({ pageSize, pageToken, consumer: featureName.optional() }),
) {}

export class RedriveDeadLetterDto extends dto<RedriveDeadLetterRequest>(z.strictObject({ id: ulid })) {}

export class SettleDeadLetterDto extends dto<SettleDeadLetterRequest>(
  z.strictObject({
    id: ulid,
    outcome: z.enum(['applied', 'failed'], 'must be applied or failed'),
    reason: text(1, 1000).optional(),
  }),
) {}

export const ingestAnswer = z.object({ eventId: z.string(), status: z.enum(['accepted', 'duplicate']) });

const ingestError = z.object({
  code: z.string(),
  message: z.string(),
  retryAfterMs: wholeNumber(0, Number.MAX_SAFE_INTEGER).optional(),
});

export const ingestBatchAnswer = z.object({
  results: z.array(
    z.object({
      eventId: z.string(),
      status: z.enum(['accepted', 'duplicate', 'rejected']),
      error: ingestError.optional(),
    }),
  ),
});

const acceptedEvent = z.object({
  id: z.string(),
  type: z.string(),
  playerId: z.string(),
  occurredAt: timeAnswer,
  acceptedAt: timeAnswer,
  points: z.number().int(),
  bossId: z.string().optional(),
  dropId: z.string().optional(),
  traceId: z.string(),
  spanId: z.string().optional(),
  seq: z.number().int(),
  fault: z.string().optional(),
});

export const readEventsAnswer = z.object({
  events: z.array(acceptedEvent),
  upTo: z.number().int(),
  redriven: z.array(z.object({ deadLetterId: z.string(), event: acceptedEvent.or(z.undefined()) })),
});

export const headAnswer = z.object({
  seq: z.number().int(),
  acceptedAt: timeAnswer.optional(),
  start: z.object({ afterSeq: z.number().int(), afterId: z.string(), inboxUpTo: z.number().int() }).optional(),
  passed: z.number().int().optional(),
});

export const deadLetterAnswer = z.object({
  id: z.string(),
  eventId: z.string(),
  consumer: z.string(),
  reason: z.string(),
  type: z.string(),
  playerId: z.string(),
  parkedAt: timeAnswer,
  eventSeq: z.number().int(),
  redrivenAt: timeAnswer.optional(),
  feature: z.string().optional(),
  key: z.string().optional(),
});

export const listDeadLettersAnswer = z.object({ deadLetters: z.array(deadLetterAnswer), nextPageToken: z.string() });
