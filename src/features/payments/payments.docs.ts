import type { Docs } from '../../shared/contract/call-docs';
import { idempotencyKeyHeader } from '../../shared/contract/request-headers';
import type { PaymentsApi } from './payments.api';
import {
  AuditPaymentsDto,
  auditAnswer,
  CancelPaymentDto,
  CreatePaymentDto,
  GetPaymentDto,
  ListPaymentsDto,
  listPaymentsAnswer,
  ProcessPaymentDto,
  paymentAnswer,
  ReceiveWebhookDto,
  RefundPaymentDto,
  receiveWebhookAnswer,
} from './payments.dto';
import { simulatorEvent } from './payments.simulator.event';

const at = '2026-11-21T10:00:00.000Z';
const id = '01KAJ0000000000000000000PA';
const reservationId = '01KAJ0000000000000000000RE';
const payment = {
  id,
  reservationId,
  saleId: 'final-2026',
  userId: '01KAJ0000000000000000000AA',
  amount: 8000,
  captured: 0,
  refunded: 0,
  currency: 'EUR',
  status: 'pending',
  provider: 'simulator',
  expiresAt: '2026-11-21T10:01:00.000Z',
  version: 1,
  createdAt: at,
  updatedAt: at,
  refunding: 0,
};
const captured = { ...payment, captured: 8000, status: 'completed', version: 5 };
const headers = {
  'Idempotency-Key': idempotencyKeyHeader(
    'Sent again with the same body it has no second effect and gets the same answer, for 24 hours',
    'pay-1',
    true,
  ),
};
const keyed = { 400: ['idempotency_key_required'], 422: ['idempotency_key_reused'] } as const;

/** Describes each call for OpenAPI. */
export const paymentsDocs: Docs<PaymentsApi> = {
  createPayment: {
    summary: 'Begin to pay a reservation that is held; the amount is what reservations says',
    request: CreatePaymentDto,
    answer: paymentAnswer,
    facts: ['version'],
    status: 201,
    headers,
    errors: {
      ...keyed,
      404: ['reservation_not_found'],
      409: ['payment_exists', 'reservation_not_held', 'in_progress'],
      422: [...keyed[422], 'nothing_to_pay'],
    },
    example: { request: { reservationId }, answer: payment },
  },
  processPayment: {
    summary: 'Have the provider set the money aside; it is captured once the reservation is confirmed',
    request: ProcessPaymentDto,
    answer: paymentAnswer,
    facts: ['version'],
    headers,
    errors: {
      ...keyed,
      404: ['payment_not_found', 'reservation_not_found'],
      409: ['payment_not_pending', 'reservation_not_held', 'in_progress'],
    },
    example: { request: { id, method: 'approve' }, answer: { ...payment, status: 'processing', version: 2 } },
  },
  getPayment: {
    summary: 'A payment; the ETag is the version',
    request: GetPaymentDto,
    answer: paymentAnswer,
    facts: ['version'],
    errors: { 404: ['payment_not_found'] },
    example: { request: { id }, answer: captured },
  },
  listPayments: {
    summary: "The caller's payments, newest first",
    request: ListPaymentsDto,
    answer: listPaymentsAnswer,
    errors: { 400: ['page_token_invalid'] },
    example: { request: { reservationId }, answer: { payments: [captured], nextPageToken: '' } },
  },
  cancelPayment: {
    summary: 'Give up a payment that is not authorized yet; what the provider approves later is voided',
    request: CancelPaymentDto,
    answer: paymentAnswer,
    facts: ['version'],
    headers,
    errors: { ...keyed, 404: ['payment_not_found'], 409: ['payment_not_cancellable', 'in_progress'] },
    example: { request: { id }, answer: { ...payment, status: 'cancelled', version: 2 } },
  },
  refundPayment: {
    summary: 'Give money back: all that is left, or an amount',
    request: RefundPaymentDto,
    answer: paymentAnswer,
    facts: ['version'],
    headers,
    errors: {
      ...keyed,
      404: ['payment_not_found'],
      409: ['payment_not_refundable', 'in_progress'],
      422: [...keyed[422], 'refund_exceeds_capture'],
    },
    example: { request: { id, amount: 3000 }, answer: { ...captured, refunding: 3000, version: 6 } },
  },
  auditPayments: {
    summary: 'Compare the money of a sale with its reservations',
    request: AuditPaymentsDto,
    answer: auditAnswer,
    errors: { 404: ['sale_not_found'] },
    example: {
      request: { saleId: payment.saleId },
      answer: { ok: true, authorized: 8000, captured: 8000, refunded: 0, expected: 8000, violations: [] },
    },
  },
  receiveWebhook: {
    summary: 'What a provider says, signed by it; the same event again changes nothing',
    request: ReceiveWebhookDto,
    // The simulator's; Stripe documents its own.
    signedBody: simulatorEvent,
    answer: receiveWebhookAnswer,
    errors: { 401: ['signature_invalid'] },
    example: {
      request: {
        id: 'evt_01KAJ0000000000000000000EV',
        type: 'charge.authorized',
        data: {
          ...{ kind: 'authorize', state: 'done', paymentId: id, chargeId: 'ch_01KAJ0000000000000000000CH' },
          key: '01KAJ0000000000000000000PE',
        },
      },
      answer: {},
    },
  },
};
