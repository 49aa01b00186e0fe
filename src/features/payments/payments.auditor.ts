import { Injectable } from '@nestjs/common';
import type { PaymentsAudit, PaymentViolation } from '../../generated/aerie/payments/v1/payments';
import type { Reservation } from '../../generated/aerie/reservations/v1/reservations';
import { asInternal } from '../../shared/auth/caller';
import { Clock } from '../../shared/clock/clock';
import { instant } from '../../shared/clock/time';
import { toAppError } from '../../shared/errors/to-app-error';
import { ReservationsApi } from '../reservations/reservations.api';
import type { PaymentRow } from './payments.entity';
import { PaymentsOperationsRepository } from './payments.operations.repository';

const pageSize = 100;
const maxViolations = 100;
// So long money may be on its way: from the news of an end to the provider's answer.
const graceMs = 60_000;

/** Reservations that are paid for. */
const sold = new Set(['confirmed', 'refunding']);

/** What is known of a reservation when its money is looked at. */
type Seen = Pick<Reservation, 'status' | 'amount' | 'updatedAt'>;

/** Compares the money of a sale with its reservations, both read anew. Of violations a hundred are told. */
@Injectable()
export class PaymentsAuditor {
  constructor(
    private readonly operations: PaymentsOperationsRepository,
    private readonly reservations: ReservationsApi,
    private readonly clock: Clock,
  ) {}

  /** @throws AppError sale_not_found */
  async audit(saleId: string): Promise<PaymentsAudit> {
    await asInternal(() => this.reservations.getSale({ saleId }));
    const violations: PaymentViolation[] = [];
    const seen = new Map<string, Seen>();
    const expected = await this.goThroughReservations(saleId, seen, violations);
    await this.goThroughMoney(saleId, seen, violations);
    for (const { id, reservationId } of await this.operations.lingering(saleId, this.settledBefore, maxViolations))
      add(violations, 'orphan', { paymentId: id, reservationId }, 'has money on its way back for more than a minute');
    const sums = await this.operations.sums(saleId);
    return { ok: violations.length === 0, ...sums, expected, violations };
  }

  /** Is there a payment of exactly its amount for each that is sold? Answers what they cost. */
  private async goThroughReservations(
    saleId: string,
    seen: Map<string, Seen>,
    violations: PaymentViolation[],
  ): Promise<number> {
    let expected = 0;
    for (let pageToken = ''; ; ) {
      const asked = { saleId, pageSize, ...(pageToken !== '' && { pageToken }) };
      const page = await asInternal(() => this.reservations.listReservations(asked));
      const payments = grouped(await this.operations.paymentsOfAll(page.reservations.map(({ id }) => id)));
      for (const { id, status, amount, updatedAt } of page.reservations) {
        seen.set(id, { status, amount, updatedAt });
        if (!sold.has(status) || amount === 0) continue;
        expected += amount;
        if (!this.isFresh(updatedAt)) judge(id, amount, payments.get(id) ?? [], violations);
      }
      pageToken = page.nextPageToken;
      if (pageToken === '') return expected;
    }
  }

  /** Is there a reservation for all money, and no more given back than was taken? */
  private async goThroughMoney(
    saleId: string,
    seen: ReadonlyMap<string, Seen>,
    violations: PaymentViolation[],
  ): Promise<void> {
    for (let after = 0; ; ) {
      const page = await this.operations.moneyOf(saleId, after, pageSize);
      for (const { id: paymentId, reservationId, captured, refunded, refunding, status } of page) {
        const which = { paymentId, reservationId };
        if (refunded + refunding > captured)
          add(violations, 'over_refunded', which, `${refunded + refunding} of ${captured} are or will be given back`);
        const held = status === 'authorized' || captured - refunded - refunding > 0;
        const reservation = seen.get(reservationId) ?? (held ? await this.known(reservationId) : undefined);
        const owed = reservation && (sold.has(reservation.status) || reservation.status === 'held');
        if (held && !owed && !(reservation && this.isFresh(reservation.updatedAt)))
          add(violations, 'orphan', which, `holds money for a reservation that is ${reservation?.status ?? 'unknown'}`);
      }
      const last = page.at(-1);
      if (!last || page.length < pageSize) return;
      after = last.seq;
    }
  }

  /** One that was made after the others had been gone through. */
  private async known(id: string): Promise<Seen | undefined> {
    try {
      return await asInternal(() => this.reservations.getReservation({ id }));
    } catch (error) {
      if (toAppError(error).kind === 'not_found') return undefined;
      throw error;
    }
  }

  private get settledBefore(): number {
    return this.clock.steady() - graceMs;
  }

  private isFresh(time: string): boolean {
    return (instant(time) ?? 0) > this.settledBefore;
  }
}

function grouped(payments: readonly PaymentRow[]): ReadonlyMap<string, PaymentRow[]> {
  const groups = new Map<string, PaymentRow[]>();
  for (const payment of payments) {
    const group = groups.get(payment.reservationId) ?? [];
    group.push(payment);
    groups.set(payment.reservationId, group);
  }
  return groups;
}

/** One reservation that is sold against its payments. */
function judge(
  reservationId: string,
  amount: number,
  payments: readonly PaymentRow[],
  violations: PaymentViolation[],
): void {
  const paying = payments.filter(({ status, captured }) => status === 'authorized' || captured > 0);
  const [first, second] = paying;
  if (!first) add(violations, 'unpaid', { reservationId }, `costs ${amount} and nothing pays for it`);
  else if (first.amount !== amount || (first.captured > 0 && first.captured !== amount))
    add(violations, 'amount', { paymentId: first.id, reservationId }, `costs ${amount}, and ${first.amount} is paid`);
  if (second) add(violations, 'double', { paymentId: second.id, reservationId }, `is paid ${paying.length} times`);
}

function add(
  violations: PaymentViolation[],
  kind: string,
  which: { readonly paymentId?: string; readonly reservationId?: string },
  message: string,
): void {
  if (violations.length < maxViolations) violations.push({ kind, ...which, message });
}
