import { Injectable } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import type { ReceiveWebhookRequest } from '../../generated/aerie/payments/v1/payments';
import { Clock } from '../../shared/clock/clock';
import type { Sql } from '../../shared/db/sql';
import type { ReservationNews } from '../reservations/reservations.events';
import { PaymentsBook } from './payments.book';
import type { OperationRow, PaymentRow, ReservationRow } from './payments.entity';
import { signatureInvalid } from './payments.errors';
import { PaymentsOperationsRepository } from './payments.operations.repository';
import { type Outcome, PaymentProvider, type ProviderEvent } from './payments.provider';
import { cut, type PaymentSteps } from './payments.repository';
import { isOver, statusAfter } from './payments.states';

const maxOpen = 100;
// News of a reservation that has ended come within seconds.
const graceMs = 15 * 60_000;

/**
 * What follows from what others say: the provider about an order, reservations about a reservation. Both may say it twice,
 * late and in any order; a payment becomes what follows once.
 */
@Injectable()
export class PaymentsSettlement {
  constructor(
    private readonly book: PaymentsBook,
    private readonly operations: PaymentsOperationsRepository,
    private readonly provider: PaymentProvider,
    private readonly clock: Clock,
    private readonly logger: PinoLogger,
  ) {}

  /** The provider has answered. */
  async answered({ paymentId, kind, id }: OperationRow, outcome: Outcome): Promise<void> {
    await this.book.change(paymentId, async (steps) => {
      const operation = await steps.operation(kind, id);
      if (operation) await this.apply(steps, operation, outcome);
    });
  }

  /** A webhook. @throws AppError signature_invalid, also when it is another provider's than the one of this process */
  async receive(request: ReceiveWebhookRequest): Promise<void> {
    if (request.provider !== this.provider.name) throw signatureInvalid();
    const event = await this.provider.parseWebhook(request);
    if (event) await this.told(event);
  }

  /** What is not ours is passed over: an account may be used by others, too. */
  private async told({ eventId: event_id, kind, paymentId, key, outcome }: ProviderEvent): Promise<void> {
    const provider = this.provider.name;
    const known = await this.book.change(paymentId, async (steps) => {
      if (!(await steps.isNew(provider, event_id))) return;
      const operation = await steps.operation(kind, kind === 'refund' ? key : undefined);
      if (operation) await this.apply(steps, operation, outcome);
      else this.logger.warn({ payment_id: paymentId, event_id, kind }, 'payment_event_unexpected');
    });
    if (!known) this.logger.info({ event_id, kind }, 'payment_event_ignored');
  }

  /** In the transaction of the inbox: what became of reservations, in their order. */
  async heard(tx: Sql, news: readonly ReservationNews[]): Promise<void> {
    // Whoever writes several rows does so in one order.
    const ids = [...new Set(news.map(({ reservationId }) => reservationId))].sort();
    for (const id of ids)
      for (const { reservationId, status, paymentId = null, userId, at } of news)
        if (reservationId === id) await this.operations.note(tx, { reservationId, status, paymentId, userId, at });
  }

  /** Draws the consequences of what reservations have announced. True when there may be more. */
  async draw(): Promise<boolean> {
    const open = await this.operations.open(maxOpen);
    for (const reservation of open) {
      for (const id of await this.operations.paymentsOf(reservation.reservationId))
        await this.book.change(id, (steps) => this.consequences(steps));
      await this.operations.close(reservation, this.clock.steady());
    }
    return open.length === maxOpen;
  }

  /** Ends payments that nobody has begun and of whose reservation nothing was heard. */
  async expire(): Promise<boolean> {
    const now = this.clock.sure();
    if (now === undefined) return false;
    const forgotten = await this.operations.forgotten(now - graceMs, maxOpen);
    for (const id of forgotten)
      await this.book.change(id, async (steps) => {
        if (steps.payment.status === 'pending') await steps.move('expired');
      });
    return forgotten.length === maxOpen;
  }

  private async consequences(steps: PaymentSteps): Promise<void> {
    const reservation = await steps.reservation();
    if (!reservation) return;
    const { payment } = steps;
    if (!hasEnded(reservation, payment)) return this.confirmed(steps);
    if (payment.status === 'pending' || payment.status === 'processing')
      return steps.move(statusAfter(reservation.status));
    if (payment.captured > 0) return giveBack(steps);
    // Money that is being taken is given back as soon as the provider says that it was taken.
    if (payment.status !== 'authorized' || (await steps.operation('capture'))?.state === 'pending') return;
    await steps.move(statusAfter(reservation.status));
    await steps.intend('void', payment.amount);
  }

  private async confirmed(steps: PaymentSteps): Promise<void> {
    const { status, amount } = steps.payment;
    if (status === 'authorized') await steps.intend('capture', amount);
    // It was confirmed by a payment that was given up in the same moment: nothing pays for it.
    const isOff = status === 'cancelled' || status === 'expired' || status === 'failed';
    if (isOff && !(await steps.operation('capture'))) await steps.announce('capture_refused');
  }

  private async apply(steps: PaymentSteps, operation: OperationRow, outcome: Outcome): Promise<void> {
    const { chargeId, clientSecret } = outcome;
    const named = {
      ...(chargeId !== undefined && steps.payment.chargeId === null && { chargeId }),
      ...(clientSecret !== undefined && steps.payment.clientSecret === null && { clientSecret }),
    };
    if (Object.keys(named).length > 0) await steps.write(named);
    if (outcome.state === 'pending') {
      if (operation.state === 'pending' && outcome.refundId !== undefined) await steps.settle(operation, outcome);
      // Nobody waits for it any longer: it need not be approved first.
      if (operation.kind === 'authorize' && isOver(steps.payment.status)) await steps.intend('void', operation.amount);
      return;
    }
    // What was done stays done; what was refused may turn out to have been done after all.
    if (operation.state === 'done' || operation.state === outcome.state) return;
    if (!(await steps.settle(operation, outcome))) return;
    const isDone = outcome.state === 'done';
    if (operation.kind === 'authorize') await (isDone ? authorized(steps) : declined(steps, outcome));
    if (operation.kind === 'capture') await (isDone ? captured(steps, operation) : uncapturable(steps, outcome));
    if (operation.kind === 'refund') await (isDone ? returned(steps, operation) : this.kept(steps, operation, outcome));
    if (operation.kind === 'void' && !isDone) await this.unvoidable(steps, outcome);
  }

  /** A refund that was refused for good is an operator's business. */
  private async kept(steps: PaymentSteps, { id, amount }: OperationRow, { reason }: Outcome): Promise<void> {
    await steps.write({ refunding: steps.payment.refunding - amount });
    this.logger.error({ payment_id: steps.payment.id, operation_id: id, reason }, 'payment_refund_refused');
  }

  private async unvoidable(steps: PaymentSteps, { reason }: Outcome): Promise<void> {
    const { id, amount, captured: taken } = steps.payment;
    if (reason !== 'captured' || taken > 0) return this.logger.info({ payment_id: id, reason }, 'payment_void_refused');
    await steps.write({ captured: amount });
    await giveBack(steps);
  }
}

/** Another payment that it was confirmed by is an end for this one. */
function hasEnded({ status, paymentId }: ReservationRow, { id }: PaymentRow): boolean {
  return status !== 'confirmed' || (paymentId !== null && paymentId !== id);
}

/** The money is set aside. Where nobody waits for it any longer, it is let go of. */
async function authorized(steps: PaymentSteps): Promise<void> {
  const reservation = await steps.reservation();
  const { status, amount } = steps.payment;
  const ended = reservation !== undefined && hasEnded(reservation, steps.payment);
  if (status === 'processing' && !ended) {
    await steps.move('authorized');
    await steps.announce('authorized');
    if (reservation) await steps.intend('capture', amount);
    return;
  }
  if (status === 'processing' && reservation) await steps.move(statusAfter(reservation.status));
  await steps.intend('void', amount);
}

async function declined(steps: PaymentSteps, { reason }: Outcome): Promise<void> {
  if (steps.payment.status === 'processing') await steps.move('failed', { failure: cut(reason) });
}

async function captured(steps: PaymentSteps, { amount }: OperationRow): Promise<void> {
  const reservation = await steps.reservation();
  const wanted = steps.payment.status === 'authorized';
  if (wanted) await steps.move('completed', { captured: amount });
  // What is over stays so; the money goes back all the same.
  else await steps.write({ captured: amount });
  if (!wanted || (reservation && hasEnded(reservation, steps.payment))) await giveBack(steps);
}

/** Refused for good: nothing pays for the reservation. What may still be set aside is let go of. */
async function uncapturable(steps: PaymentSteps, { reason }: Outcome): Promise<void> {
  if (steps.payment.status !== 'authorized') return;
  await steps.move('failed', { failure: cut(reason) });
  await steps.announce('capture_refused');
  await steps.intend('void', steps.payment.amount);
}

async function returned(steps: PaymentSteps, { amount }: OperationRow): Promise<void> {
  const { captured: taken, refunded: before, refunding, status } = steps.payment;
  const refunded = before + amount;
  const change = { refunded, refunding: refunding - amount };
  if (status !== 'completed' && status !== 'partially_refunded') return steps.write(change);
  await steps.move(refunded === taken ? 'refunded' : 'partially_refunded', change);
  if (refunded === taken) await steps.announce('refunded');
}

async function giveBack(steps: PaymentSteps): Promise<void> {
  const { captured: taken, refunded, refunding } = steps.payment;
  await sendBack(steps, taken - refunded - refunding);
}

/** Sets an amount apart and has it refunded; false when there is less. When all of it is on its way, that is announced. */
export async function sendBack(steps: PaymentSteps, amount: number): Promise<boolean> {
  if (amount <= 0 || !(await steps.setApart(amount))) return false;
  await steps.intend('refund', amount);
  const { captured: taken, refunded, refunding, status } = steps.payment;
  if (refunded + refunding === taken && (status === 'completed' || status === 'partially_refunded'))
    await steps.announce('refunding');
  return true;
}
