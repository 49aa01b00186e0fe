import { z } from 'zod';
import type {
  ConfirmEventsRequest,
  ListDeadLettersRequest,
  OldestPendingRequest,
  ParkEventRequest,
  RedriveDeadLetterRequest,
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

export class ConfirmEventsDto extends dto<ConfirmEventsRequest>(
  z.strictObject({
    consumer,
    eventIds: z
      .array(idempotencyKey, 'must be an array')
      .min(1, 'must have at least 1 id')
      .max(1000, 'must have at most 1000 ids'),
  }),
) {}

export class ParkEventDto extends dto<ParkEventRequest>(
  z.strictObject({ eventId: idempotencyKey, consumer, reason: text(1, 1000) }),
) {}

export class OldestPendingDto extends dto<OldestPendingRequest>(z.strictObject({ consumer })) {}

export class ListDeadLettersDto extends dto<ListDeadLettersRequest>(
  z.strictObject({ pageSize, pageToken, consumer: consumer.optional() }),
) {}

export class RedriveDeadLetterDto extends dto<RedriveDeadLetterRequest>(z.strictObject({ id: ulid })) {}

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

export const confirmEventsAnswer = z.object({ confirmed: z.number().int() });

export const oldestPendingAnswer = z.object({
  pending: z.number().int(),
  occurredAt: timeAnswer.optional(),
  acceptedAt: timeAnswer.optional(),
});

export const deadLetterAnswer = z.object({
  id: z.string(),
  eventId: z.string(),
  consumer: z.string(),
  reason: z.string(),
  type: z.string(),
  playerId: z.string(),
  parkedAt: timeAnswer,
});

export const listDeadLettersAnswer = z.object({ deadLetters: z.array(deadLetterAnswer), nextPageToken: z.string() });
