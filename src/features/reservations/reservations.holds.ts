import { Injectable } from '@nestjs/common';
import { ulid } from 'ulid';
import type {
  CreateReservationRequest,
  Reservation,
  ReservationItem,
} from '../../generated/aerie/reservations/v1/reservations';
import { type Grant, Grants } from '../../shared/auth/grants';
import type { Verdict } from '../../shared/auth/signed-claims';
import type { Sql } from '../../shared/db/sql';
import { AppError } from '../../shared/errors/app-error';
import type { Once } from '../../shared/idempotency/idempotency.repository';
import type { ItemRow, SaleRow, SectionRow } from './reservations.entity';
import {
  grantInvalid,
  grantRequired,
  grantUsed,
  limitExceeded,
  maySucceedAfterExpiry,
  saleClosed,
  saleNotFound,
  saleNotOpen,
  salePaused,
  seatNotFound,
  seatsTaken,
  sectionNotFound,
  soldOut,
} from './reservations.errors';
import { ReservationsMetrics } from './reservations.metrics';
import { type Found, ReservationsRepository } from './reservations.repository';
import { quantityOf, refuseTwice } from './reservations.sale';
import { findSale } from './reservations.sales.repository';
import { moveQuantity, seatsElsewhere, takeForBuyer, takeSeats } from './reservations.stock.repository';
import { toReservation } from './reservations.told';

/** What is wanted of one section. */
interface Wanted {
  readonly section: SectionRow;
  readonly quantity: number;
  readonly seatIds: readonly string[];
}

/** How a reservation begins: all that is wanted is held, or nothing is. */
@Injectable()
export class Holds {
  constructor(
    private readonly repository: ReservationsRepository,
    private readonly grants: Grants,
    private readonly metrics: ReservationsMetrics,
  ) {}

  /** @throws AppError as `ReservationsService.createReservation` */
  async create(request: CreateReservationRequest, userId: string, key: string): Promise<Once<Reservation>> {
    const grant = request.grant === undefined ? undefined : await this.grants.verify(request.grant);
    for (;;) {
      try {
        return await this.repository.command('CreateReservation', { request, key }, (tx, now) =>
          this.hold(tx, now, request, userId, grant),
        );
      } catch (error) {
        // What has run out is free at that instant; it only has not been put back yet.
        if (maySucceedAfterExpiry(error) && (await this.repository.expire(request.saleId)) > 0) continue;
        if (error instanceof AppError && error.httpStatus < 500) this.metrics.refused(error.code);
        throw error;
      }
    }
  }

  private async hold(
    tx: Sql,
    now: number,
    { saleId, items }: CreateReservationRequest,
    userId: string,
    verdict: Verdict<Grant> | undefined,
  ): Promise<Reservation> {
    const found = await findSale(tx, saleId);
    if (!found) throw saleNotFound(saleId);
    const { sale, sections } = found;
    refuseClosed(sale, now);
    const wanted = wantedOf(items, sections);
    const quantity = wanted.reduce((sum, one) => sum + one.quantity, 0);
    if (quantity > sale.maxPerReservation) throw limitExceeded('maxPerReservation', sale.maxPerReservation);
    const id = ulid(now);
    const grantId = grantOf(sale, verdict, userId, now);
    if (grantId !== null && !(await this.repository.takeGrant(tx, { jti: grantId, saleId, reservationId: id, now })))
      throw grantUsed();
    const { maxPerUser: max } = sale;
    if (!(await takeForBuyer(tx, { saleId, userId, quantity, max }))) throw limitExceeded('maxPerUser', max);
    for (const one of wanted) await take(tx, one, id);
    const row = {
      ...({ seq: 0, id, saleId, userId, quantity, currency: sale.currency, status: 'held', grantId } as const),
      amount: wanted.reduce((sum, one) => sum + one.quantity * one.section.price, 0),
      ...{ heldUntil: now + sale.holdSeconds * 1000, extended: 0, paymentId: null, ticket: null },
      ...{ version: 1, createdAt: now, updatedAt: now },
    };
    const held: Found = { row, items: wanted.map((one) => toItemRow(one, id)) };
    await this.repository.insert(tx, held);
    return toReservation(held);
  }
}

function refuseClosed({ state, opensAt, closesAt }: SaleRow, now: number): void {
  if (state === 'closed' || (closesAt !== null && now >= closesAt)) throw saleClosed();
  if (now < opensAt) throw saleNotOpen(opensAt - now);
  if (state === 'paused') throw salePaused();
}

/** The jti of the grant that a sale with a waiting room asks for; null where it has none. */
function grantOf(sale: SaleRow, verdict: Verdict<Grant> | undefined, userId: string, now: number): string | null {
  if (sale.queue === null) return null;
  if (verdict === undefined) throw grantRequired();
  if (!verdict.valid) throw grantInvalid();
  const { jti, sub, saleId, exp } = verdict.claims;
  if (sub !== userId || saleId !== sale.saleId || exp * 1000 <= now) throw grantInvalid();
  return jti;
}

/** In the order of their sections, in which their rows are taken. @throws AppError validation_failed, section_not_found */
function wantedOf(items: readonly ReservationItem[], sections: readonly SectionRow[]): Wanted[] {
  refuseTwice(
    'items',
    items.map(({ sectionId }) => sectionId),
  );
  const wanted = items.map((item, i) => {
    const section = sections.find(({ sectionId }) => sectionId === item.sectionId);
    if (!section) throw sectionNotFound(item.sectionId);
    return { section, quantity: quantityOf(item, section, `items[${i}].`), seatIds: item.seatIds };
  });
  return wanted.sort((a, b) => (a.section.sectionId < b.section.sectionId ? -1 : 1));
}

/** @throws AppError sold_out, seats_taken, seat_not_found */
async function take(tx: Sql, { section, quantity, seatIds }: Wanted, reservationId: string): Promise<void> {
  const { saleId, sectionId } = section;
  const enough = await moveQuantity(tx, { saleId, sectionId, quantity }, 'available', 'held');
  if (seatIds.length === 0 && enough) return;
  if (seatIds.length === 0) throw soldOut(sectionId);
  const move = { from: 'available', to: 'held', reservationId } as const;
  if (enough && (await takeSeats(tx, section, seatIds, move)) === seatIds.length) return;
  const mine = await seatsElsewhere(tx, section, seatIds, 'available', reservationId);
  if (mine.unknown.length > 0) throw seatNotFound(sectionId, mine.unknown);
  throw mine.taken.length > 0 ? seatsTaken(mine.taken) : soldOut(sectionId);
}

function toItemRow(
  { section: { saleId, sectionId, price }, quantity, seatIds }: Wanted,
  reservationId: string,
): ItemRow {
  return { seq: 0, reservationId, saleId, sectionId, quantity, seatIds: JSON.stringify(seatIds), price };
}
