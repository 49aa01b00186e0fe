import { Injectable } from '@nestjs/common';
import { ulid } from 'ulid';
import type {
  AuditPaymentsRequest,
  CancelPaymentRequest,
  CreatePaymentRequest,
  GetPaymentRequest,
  ListPaymentsRequest,
  ListPaymentsResponse,
  Payment,
  PaymentsAudit,
  ProcessPaymentRequest,
  PaymentService as Proto,
  ReceiveWebhookRequest,
  ReceiveWebhookResponse,
  RefundPaymentRequest,
} from '../../generated/aerie/payments/v1/payments';
import type { Reservation } from '../../generated/aerie/reservations/v1/reservations';
import { restrictedTo } from '../../shared/auth/caller';
import { Clock } from '../../shared/clock/clock';
import { instant, toTime } from '../../shared/clock/time';
import { type Answer, type AnswerFacts, answer } from '../../shared/contract/answer';
import type { CallMeta } from '../../shared/contract/contract';
import { PageTokens, rowNumber } from '../../shared/contract/page-token';
import type { KeyedRequest } from '../../shared/idempotency/idempotency';
import type { Once } from '../../shared/idempotency/idempotency.repository';
import { ReservationsApi } from '../reservations/reservations.api';
import { PaymentsAuditor } from './payments.auditor';
import { PaymentsBook } from './payments.book';
import type { PaymentRow } from './payments.entity';
import {
  idempotencyKeyRequired,
  nothingToPay,
  paymentNotCancellable,
  paymentNotFound,
  paymentNotPending,
  paymentNotRefundable,
  refundExceedsCapture,
  reservationNotFound,
  reservationNotHeld,
} from './payments.errors';
import { type PaymentSteps, PaymentsRepository } from './payments.repository';
import { PaymentsSettlement, sendBack } from './payments.settlement';

/**
 * Money for reservations. What a call asks of the provider is written down with its effect and done after the answer, so that
 * a call and its repetition have one answer, and no caller waits for another company: `getPayment` tells how it goes on.
 * Whoever is restricted to one user finds no other's payments.
 */
@Injectable()
export class PaymentsService implements Proto {
  private readonly tokens;

  constructor(
    private readonly repository: PaymentsRepository,
    private readonly book: PaymentsBook,
    private readonly settlement: PaymentsSettlement,
    private readonly auditor: PaymentsAuditor,
    private readonly reservations: ReservationsApi,
    private readonly clock: Clock,
    pageTokens: PageTokens,
  ) {
    this.tokens = pageTokens.of('payments', rowNumber);
  }

  /** @throws AppError reservation_not_found, reservation_not_held, nothing_to_pay, payment_exists, and as `Idempotency` */
  async createPayment(request: CreatePaymentRequest, meta: CallMeta = {}): Promise<Answer<Payment>> {
    const call = keyed(request, meta);
    const reservation = await this.reservation(request.reservationId);
    const { id: reservationId, saleId, userId, amount, currency, heldUntil } = reservation;
    const now = this.clock.steady();
    const payment = {
      ...{ id: ulid(now), reservationId, liveReservation: reservationId, saleId, userId, amount, currency },
      ...{ captured: 0, refunded: 0, refunding: 0, status: 'pending' as const, version: 1 },
      ...{ method: null, chargeId: null, clientSecret: null, failure: null },
      ...{ expiresAt: instant(heldUntil) ?? now, createdAt: now, updatedAt: now },
    };
    return toAnswer(
      await this.book.create(payment, call, () => {
        if (reservation.status !== 'held') throw reservationNotHeld(reservation.status);
        if (amount === 0) throw nothingToPay();
      }),
    );
  }

  /** @throws AppError payment_not_found, payment_not_pending, reservation_not_held, and as `Idempotency` */
  async processPayment(request: ProcessPaymentRequest, meta: CallMeta = {}): Promise<Answer<Payment>> {
    const call = keyed(request, meta);
    const { id, method = null } = request;
    const { status, reservationId } = await this.payment(id);
    // A payment that is on its way has been asked for already; the same call again is answered as then.
    const reservation = status === 'pending' ? await this.reservation(reservationId) : undefined;
    return this.changed('ProcessPayment', call, id, async (steps) => {
      const { payment } = steps;
      if (payment.status !== 'pending') throw paymentNotPending(payment.status);
      if (reservation && reservation.status !== 'held') throw reservationNotHeld(reservation.status);
      await steps.move('processing', { method });
      await steps.intend('authorize', payment.amount);
    });
  }

  /** @throws AppError payment_not_found */
  async getPayment({ id }: GetPaymentRequest): Promise<Answer<Payment>> {
    return toPayment(await this.payment(id));
  }

  /** Newest first. @throws AppError page_token_invalid */
  async listPayments({ reservationId, pageSize = 20, pageToken }: ListPaymentsRequest): Promise<ListPaymentsResponse> {
    const owner = restrictedTo();
    const filter = [owner ?? null, reservationId ?? null];
    const [before = Number.MAX_SAFE_INTEGER] = this.tokens.decode(filter, pageToken) ?? [];
    const found = await this.repository.list({ reservationId, owner }, before, pageSize + 1);
    const { page, nextPageToken } = this.tokens.cut(filter, found, pageSize, ({ seq }) => [seq]);
    return { payments: page.map((payment) => toPayment(payment)), nextPageToken };
  }

  /** What the provider approves afterwards is voided. @throws AppError payment_not_found, payment_not_cancellable, and as `Idempotency` */
  cancelPayment(request: CancelPaymentRequest, meta: CallMeta = {}): Promise<Answer<Payment>> {
    return this.changed('CancelPayment', keyed(request, meta), request.id, async (steps) => {
      const { status } = steps.payment;
      // From `authorized` on it is the reservation that decides: it may be confirmed by this money at this moment.
      if (status !== 'pending' && status !== 'processing') throw paymentNotCancellable(status);
      await steps.move('cancelled');
    });
  }

  /** @throws AppError payment_not_found, payment_not_refundable, refund_exceeds_capture, and as `Idempotency` */
  refundPayment(request: RefundPaymentRequest, meta: CallMeta = {}): Promise<Answer<Payment>> {
    return this.changed('RefundPayment', keyed(request, meta), request.id, async (steps) => {
      const { status, captured, refunded, refunding } = steps.payment;
      if (status !== 'completed' && status !== 'partially_refunded') throw paymentNotRefundable(status);
      const left = captured - refunded - refunding;
      if (!(await sendBack(steps, request.amount ?? left))) throw refundExceedsCapture(left);
    });
  }

  /** Compares the money of a sale with its reservations. */
  auditPayments({ saleId }: AuditPaymentsRequest): Promise<PaymentsAudit> {
    return this.auditor.audit(saleId);
  }

  /** @throws AppError signature_invalid */
  async receiveWebhook(request: ReceiveWebhookRequest): Promise<ReceiveWebhookResponse> {
    await this.settlement.receive(request);
    return {};
  }

  private async changed(
    route: string,
    call: KeyedRequest,
    id: string,
    work: (steps: PaymentSteps) => Promise<unknown>,
  ): Promise<Answer<Payment>> {
    return toAnswer(await this.book.changeOnce(route, { id, owner: restrictedTo() }, call, work));
  }

  private async payment(id: string): Promise<PaymentRow> {
    const payment = await this.repository.find({ id, owner: restrictedTo() });
    if (!payment) throw paymentNotFound(id);
    return payment;
  }

  /** As the caller sees it: whose it is not, is told that there is none. */
  private async reservation(id: string): Promise<Reservation> {
    const owner = restrictedTo();
    const reservation = await this.reservations.getReservation({ id });
    if (owner !== undefined && reservation.userId !== owner) throw reservationNotFound(id);
    return reservation;
  }
}

/** @throws AppError idempotency_key_required: money moves once, whatever becomes of the answer. */
function keyed(request: object, { idempotencyKey: key }: CallMeta): KeyedRequest {
  if (key === undefined) throw idempotencyKeyRequired();
  return { request, key };
}

function toAnswer({ done, replayed }: Once<PaymentRow>): Answer<Payment> {
  return toPayment(done, replayed ? { replayed: 'answer' } : {});
}

/** A payment as its owner sees it. */
function toPayment(row: PaymentRow, facts: AnswerFacts = {}): Answer<Payment> {
  const { id, reservationId, saleId, userId, amount, captured, refunded, refunding, currency, version } = row;
  const { status, provider, clientSecret, failure, expiresAt, createdAt, updatedAt } = row;
  const said = { ...(clientSecret !== null && { clientSecret }), ...(failure !== null && { failure }) };
  const times = { expiresAt: toTime(expiresAt), createdAt: toTime(createdAt), updatedAt: toTime(updatedAt) };
  const money = { amount, captured, refunded, refunding, currency };
  const ids = { id, reservationId, saleId, userId };
  return answer({ ...ids, ...money, status, provider, ...said, version, ...times }, { version, ...facts });
}
