import { z } from 'zod';
import type {
  AuditPaymentsRequest,
  CancelPaymentRequest,
  CreatePaymentRequest,
  GetPaymentRequest,
  ListPaymentsRequest,
  ProcessPaymentRequest,
  ReceiveWebhookRequest,
  RefundPaymentRequest,
} from '../../generated/aerie/payments/v1/payments';
import { dto } from '../../shared/contract/dto';
import { pageSize, pageToken, timeAnswer, ulid, wholeNumber } from '../../shared/contract/schemas';

/** The provider's word for how it is paid: a scenario of the simulator, or `pm_...` of Stripe. */
const method = z
  .string('must be a string')
  .regex(/^[A-Za-z0-9_]{1,64}$/, 'must be 1-64 of A-Z a-z 0-9 _')
  .meta({ minLength: 1, maxLength: 64 });

const saleId = z
  .string('must be a string')
  .regex(/^[a-z0-9-]{3,64}$/, 'must be 3-64 of a-z 0-9 -')
  .meta({ minLength: 3, maxLength: 64 });

const providerNames = ['simulator', 'stripe'] as const;

export class CreatePaymentDto extends dto<CreatePaymentRequest>(z.strictObject({ reservationId: ulid })) {}

export class ProcessPaymentDto extends dto<ProcessPaymentRequest>(
  z.strictObject({ id: ulid, method: method.optional() }),
) {}

export class GetPaymentDto extends dto<GetPaymentRequest>(z.strictObject({ id: ulid })) {}

export class ListPaymentsDto extends dto<ListPaymentsRequest>(
  z.strictObject({ reservationId: ulid.optional(), pageSize, pageToken }),
) {}

export class CancelPaymentDto extends dto<CancelPaymentRequest>(z.strictObject({ id: ulid })) {}

export class RefundPaymentDto extends dto<RefundPaymentRequest>(
  z.strictObject({ id: ulid, amount: wholeNumber(1, Number.MAX_SAFE_INTEGER).optional() }),
) {}

export class AuditPaymentsDto extends dto<AuditPaymentsRequest>(z.strictObject({ saleId })) {}

/** Its provider judges what the signature covers, with one answer for all of it. */
export class ReceiveWebhookDto extends dto<ReceiveWebhookRequest>(
  z.strictObject({
    provider: z.enum(providerNames, `must be ${providerNames.join(' or ')}`),
    // As long as it is kept.
    id: z.string('must be a string').max(255, 'must have at most 255 characters'),
    timestamp: z.number('must be a number'),
    keyId: z.string('must be a string'),
    signatures: z.array(z.string('must be a string')),
    body: z.custom<Buffer>((value) => Buffer.isBuffer(value), 'must be bytes'),
  }),
) {}

export const paymentAnswer = z.object({
  id: z.string(),
  reservationId: z.string(),
  saleId: z.string(),
  userId: z.string(),
  amount: z.number().int(),
  captured: z.number().int(),
  refunded: z.number().int(),
  currency: z.string(),
  status: z.string(),
  provider: z.string(),
  clientSecret: z.string().optional(),
  failure: z.string().optional(),
  expiresAt: timeAnswer,
  version: z.number().int(),
  createdAt: timeAnswer,
  updatedAt: timeAnswer,
  refunding: z.number().int(),
});

export const listPaymentsAnswer = z.object({ payments: z.array(paymentAnswer), nextPageToken: z.string() });

export const auditAnswer = z.object({
  ok: z.boolean(),
  authorized: z.number().int(),
  captured: z.number().int(),
  refunded: z.number().int(),
  expected: z.number().int(),
  violations: z.array(
    z.object({
      kind: z.string(),
      paymentId: z.string().optional(),
      reservationId: z.string().optional(),
      message: z.string(),
    }),
  ),
});

export const receiveWebhookAnswer = z.object({});
