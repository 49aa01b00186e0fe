import { z } from 'zod';
import type {
  GetDrawRequest,
  GetQueueStatsRequest,
  GetQueueStatusRequest,
  JoinQueueRequest,
  LeaveQueueRequest,
  RequestAdmissionRequest,
  WatchQueueRequest,
} from '../../generated/aerie/queue/v1/queue';
import { dto } from '../../shared/contract/dto';
import { pageSize, pageToken, timeAnswer } from '../../shared/contract/schemas';

const saleId = z
  .string('must be a string')
  .regex(/^[a-z0-9-]{3,64}$/, 'must be 3-64 of a-z 0-9 -')
  .meta({ minLength: 3, maxLength: 64 });
const ticket = z
  .string('must be a string')
  .regex(/^[A-Za-z0-9_-]{43}$/, 'must be a ticket of 43 characters')
  .meta({ minLength: 43, maxLength: 43 });

export class JoinQueueDto extends dto<JoinQueueRequest>(z.strictObject({ saleId })) {}

export class GetQueueStatusDto extends dto<GetQueueStatusRequest>(z.strictObject({ ticket })) {}

export class WatchQueueDto extends dto<WatchQueueRequest>(z.strictObject({ ticket })) {}

export class RequestAdmissionDto extends dto<RequestAdmissionRequest>(z.strictObject({ ticket })) {}

export class LeaveQueueDto extends dto<LeaveQueueRequest>(z.strictObject({ ticket })) {}

export class GetQueueStatsDto extends dto<GetQueueStatsRequest>(z.strictObject({ saleId })) {}

export class GetDrawDto extends dto<GetDrawRequest>(z.strictObject({ saleId, pageSize, pageToken })) {}

const whole = z.number().int();
const status = z.enum(['prequeued', 'waiting', 'ready', 'admitted', 'done', 'left', 'expired']);
const eta = z.object({ known: z.boolean(), p50Seconds: whole.optional(), p90Seconds: whole.optional() });

export const queueTicketAnswer = z.object({
  ticket: z.string(),
  number: whole.optional(),
  status,
  position: whole,
  ahead: whole,
  eta,
  pollAfterMs: whole,
  receipt: z.object({
    number: whole,
    ticketHash: z.string(),
    joinedAt: timeAnswer,
    previous: z.string(),
    hash: z.string(),
  }),
});

export const queueStatusAnswer = z.object({
  status,
  position: whole,
  ahead: whole,
  eta,
  supplyLikely: z.boolean(),
  pollAfterMs: whole,
  readyUntil: timeAnswer.optional(),
  number: whole.optional(),
});

export const queueAdmissionAnswer = z.object({ grant: z.string(), expiresAt: timeAnswer });

export const leaveQueueAnswer = z.object({ status });

export const queueStatsAnswer = z.object({
  saleId: z.string(),
  activePlaces: whole,
  taken: whole,
  prequeued: whole,
  waiting: whole,
  present: whole,
  ready: whole,
  admitted: whole,
  done: whole,
  left: whole,
  expired: whole,
  asOf: timeAnswer,
});

export const drawAnswer = z.object({
  saleId: z.string(),
  seedHash: z.string(),
  drawAt: timeAnswer.optional(),
  drawn: z.boolean(),
  seed: z.string().optional(),
  joins: z.array(
    z.object({ number: whole, ticketHash: z.string(), joinedAt: timeAnswer, hash: z.string(), place: whole }),
  ),
  nextPageToken: z.string(),
});
