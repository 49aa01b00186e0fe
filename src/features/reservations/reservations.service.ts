import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type {
  AuditSaleRequest,
  CancelReservationRequest,
  ConfirmReservationRequest,
  CreateReservationRequest,
  ExtendReservationRequest,
  GetReservationRequest,
  ListReservationsRequest,
  ListReservationsResponse,
  Reservation,
  VerifyTicketRequest,
  VerifyTicketResponse,
  VoidGrantRequest,
  VoidGrantResponse,
} from '../../generated/aerie/reservations/v1/reservations';
import { currentCaller, restrictedTo } from '../../shared/auth/caller';
import { Clock } from '../../shared/clock/clock';
import { type Answer, answer } from '../../shared/contract/answer';
import type { CallMeta } from '../../shared/contract/contract';
import { PageTokens, rowNumber } from '../../shared/contract/page-token';
import type { Sql } from '../../shared/db/sql';
import { AppError } from '../../shared/errors/app-error';
import { resourceBusy, tokenInvalid } from '../../shared/errors/common.errors';
import type { Once } from '../../shared/idempotency/idempotency.repository';
import type { Announce } from '../../shared/outbox/outbox';
import type { ReservationsApi } from './reservations.api';
import type { PaymentTold } from './reservations.entity';
import {
  alreadyExtended,
  keyRequired,
  paymentNotApproved,
  reservationEnded,
  reservationExpired,
  reservationNotFound,
} from './reservations.errors';
import { Holds } from './reservations.holds';
import { ReservationsMetrics } from './reservations.metrics';
import { type Change, type Found, ReservationsRepository } from './reservations.repository';
import { SalesService } from './reservations.sales.service';
import { Tickets } from './reservations.tickets';
import { toReservation } from './reservations.told';

type Call<Name extends keyof ReservationsApi> = ReservationsApi[Name];

const extensionMs = 60_000;
// The news of a payment takes less than that, or something is amiss.
const newsWaitMs = 2000;
const newsLooksMs = [50, 100, 200, 400, 600, 650];

/**
 * Sales and reservations. What a hold may become is decided by the database, at its time: a hold that has run out is free
 * for everybody at that instant. Whoever is restricted to one user finds no other's reservation.
 */
@Injectable()
export class ReservationsService implements ReservationsApi {
  private readonly tokens;

  constructor(
    private readonly sales: SalesService,
    private readonly holds: Holds,
    private readonly repository: ReservationsRepository,
    private readonly tickets: Tickets,
    private readonly metrics: ReservationsMetrics,
    private readonly clock: Clock,
    pageTokens: PageTokens,
  ) {
    this.tokens = pageTokens.of('reservations', rowNumber);
  }

  createSale: Call<'createSale'> = (request, meta) => this.sales.createSale(request, meta?.idempotencyKey);
  getSale: Call<'getSale'> = ({ saleId }) => this.sales.getSale(saleId);
  listSales: Call<'listSales'> = (request) => this.sales.listSales(request);
  updateSale: Call<'updateSale'> = (request, meta) => this.sales.updateSale(request, meta?.idempotencyKey);
  setSaleState: Call<'setSaleState'> = (request, meta) => this.sales.setSaleState(request, meta?.idempotencyKey);
  getAvailability: Call<'getAvailability'> = (request) => this.sales.getAvailability(request);
  blockSeats: Call<'blockSeats'> = (request, meta) =>
    this.sales.moveSeats(request, meta?.idempotencyKey, ['BlockSeats', 'available', 'blocked']);
  unblockSeats: Call<'unblockSeats'> = (request, meta) =>
    this.sales.moveSeats(request, meta?.idempotencyKey, ['UnblockSeats', 'blocked', 'available']);
  auditSale: Call<'auditSale'> = ({ saleId }: AuditSaleRequest) => this.sales.auditSale(saleId);

  /**
   * Holds all of the items or none, for the caller.
   * @throws AppError idempotency_key_required, validation_failed, sale_not_found, section_not_found, seat_not_found, sold_out,
   * seats_taken, sale_not_open, sale_paused, sale_closed, grant_required, grant_invalid, grant_used, limit_exceeded
   */
  async createReservation(request: CreateReservationRequest, meta: CallMeta = {}): Promise<Answer<Reservation>> {
    const once = await this.holds.create(request, buyer(), keyOf(meta));
    if (!once.replayed) this.metrics.count('held');
    return told(once);
  }

  /** @throws AppError reservation_not_found */
  async getReservation({ id }: GetReservationRequest): Promise<Answer<Reservation>> {
    const found = await this.repository.find(id, restrictedTo());
    if (!found) throw reservationNotFound(id);
    return answer(toReservation(found), { version: found.row.version });
  }

  /** Newest first; whoever is not restricted sees everybody's. @throws AppError page_token_invalid */
  async listReservations(request: ListReservationsRequest): Promise<ListReservationsResponse> {
    const { saleId, pageSize = 20, pageToken } = request;
    const userId = restrictedTo();
    const filter = [saleId ?? null, userId ?? null];
    const [before = Number.MAX_SAFE_INTEGER] = this.tokens.decode(filter, pageToken) ?? [];
    const found = await this.repository.list({ saleId, userId }, before, pageSize + 1);
    const { page, nextPageToken } = this.tokens.cut(filter, found, pageSize, ({ row }) => [row.seq]);
    return { reservations: page.map(toReservation), nextPageToken };
  }

  /**
   * What is free is confirmed at once; else the news that its payment has been authorized is waited for, up to two seconds.
   * @throws AppError reservation_not_found, reservation_expired, reservation_ended, payment_not_approved
   */
  async confirmReservation(request: ConfirmReservationRequest, meta: CallMeta = {}): Promise<Answer<Reservation>> {
    const { id, paymentId } = request;
    const [key, owner, until] = [keyOf(meta), restrictedTo(), this.clock.monotonic() + newsWaitMs];
    for (let look = 0; ; look += 1) {
      try {
        return told(
          await this.repository.command('ConfirmReservation', { request, key }, async (tx, now, announce) => {
            const found = await this.mine(tx, now, id, owner);
            const isOther = paymentId !== undefined && paymentId !== found.row.paymentId;
            if (found.row.status === 'confirmed' && isOther) throw paymentNotApproved();
            if (found.row.status === 'confirmed') return toReservation(found);
            refuseEnded(found);
            return this.confirm(tx, now, announce, found, paymentId);
          }),
        );
      } catch (error) {
        const waits = error instanceof AppError && error.code === 'payment_not_approved';
        if (!waits || this.clock.monotonic() >= until) throw error;
        await sleep(newsLooksMs[look] ?? 0);
      }
    }
  }

  /** Gives back what is held. @throws AppError reservation_not_found, reservation_expired, reservation_ended */
  async cancelReservation(request: CancelReservationRequest, meta: CallMeta = {}): Promise<Answer<Reservation>> {
    const [key, owner] = [keyOf(meta), restrictedTo()];
    return told(
      await this.repository.command('CancelReservation', { request, key }, async (tx, now, announce) => {
        const found = await this.mine(tx, now, request.id, owner);
        if (found.row.status === 'cancelled') return toReservation(found);
        refuseEnded(found);
        return this.changed(tx, now, announce, found, { status: 'cancelled' });
      }),
    );
  }

  /** Once, by a minute. @throws AppError reservation_not_found, reservation_expired, reservation_ended, already_extended */
  async extendReservation(request: ExtendReservationRequest, meta: CallMeta = {}): Promise<Answer<Reservation>> {
    const [key, owner] = [keyOf(meta), restrictedTo()];
    return told(
      await this.repository.command('ExtendReservation', { request, key }, async (tx, now) => {
        const found = await this.mine(tx, now, request.id, owner);
        refuseEnded(found);
        if (found.row.extended === 1) throw alreadyExtended();
        if (!(await this.repository.extend(tx, now, found, found.row.heldUntil + extensionMs))) throw resourceBusy();
        return toReservation(await this.mine(tx, now, request.id, owner));
      }),
    );
  }

  /** Tells whether a ticket is one of ours, unchanged, and still counts. */
  async verifyTicket({ ticket }: VerifyTicketRequest): Promise<VerifyTicketResponse> {
    const verdict = await this.tickets.verify(ticket);
    if (!verdict.valid) return verdict;
    const found = await this.repository.find(verdict.claims.jti, undefined);
    return found?.row.status === 'confirmed' ? verdict : { valid: false, reason: 'revoked' };
  }

  /** Whoever takes a grant first has it: a reservation, or this. Said twice it is answered alike. */
  voidGrant({ jti, saleId }: VoidGrantRequest): Promise<VoidGrantResponse> {
    return this.repository.db.transaction(async (tx) => {
      const { now } = await this.repository.joining(tx);
      if (await this.repository.takeGrant(tx, { jti, saleId, reservationId: null, now })) return { voided: true };
      const used = await this.repository.grantUse(tx, jti);
      return used === null ? { voided: true } : { voided: false, reservationId: used };
    });
  }

  /** What payments has announced, in the transaction in which it is taken in. */
  async paymentTold(tx: Sql, news: PaymentTold): Promise<void> {
    const { reservationId, paymentId, status, amount, currency } = news;
    const { now, announce } = await this.repository.joining(tx);
    await this.repository.writePayment(tx, news);
    const found = await this.repository.findIn(tx, now, reservationId, undefined);
    if (!found) return;
    const { row } = found;
    const isItsOwn = row.paymentId === paymentId;
    const paid = row.status === 'confirmed' || row.status === 'refunding';
    if (status === 'authorized' && row.status === 'held' && row.amount === amount && row.currency === currency)
      await this.confirm(tx, now, announce, found, paymentId);
    if (status === 'capture_refused' && isItsOwn && row.status === 'confirmed')
      await this.changed(tx, now, announce, found, { status: 'revoked' });
    if (status === 'refunding' && isItsOwn && row.status === 'confirmed')
      await this.changed(tx, now, announce, found, { status: 'refunding' });
    if (status === 'refunded' && isItsOwn && paid) await this.changed(tx, now, announce, found, { status: 'refunded' });
  }

  private async confirm(
    tx: Sql,
    now: number,
    announce: Announce,
    found: Found,
    paymentId: string | undefined,
  ): Promise<Reservation> {
    const isFree = found.row.amount === 0;
    const paid = isFree ? undefined : await this.repository.authorized(tx, found.row, paymentId);
    if (!isFree && paid === undefined) throw paymentNotApproved();
    const ticket = await this.tickets.issue(found, now);
    const change = { status: 'confirmed', ticket, ...(paid !== undefined && { paymentId: paid }) } as const;
    return this.changed(tx, now, announce, found, change);
  }

  /** @throws AppError resource_busy when somebody else has changed it at this moment */
  private async changed(tx: Sql, now: number, announce: Announce, found: Found, change: Change): Promise<Reservation> {
    if (!(await this.repository.change(tx, now, announce, found, change))) throw resourceBusy();
    const heldMs = found.row.status === 'held' ? now - found.row.createdAt : undefined;
    this.metrics.count(change.status, heldMs);
    return toReservation(await this.mine(tx, now, found.row.id, undefined));
  }

  private async mine(tx: Sql, now: number, id: string, owner: string | undefined): Promise<Found> {
    const found = await this.repository.findIn(tx, now, id, owner);
    if (!found) throw reservationNotFound(id);
    return found;
  }
}

/** Of a reservation that is no longer held. */
function refuseEnded({ row: { status } }: Found): void {
  if (status === 'expired') throw reservationExpired();
  if (status !== 'held') throw reservationEnded(status);
}

/** @throws AppError idempotency_key_required */
function keyOf({ idempotencyKey }: CallMeta): string {
  if (idempotencyKey === undefined) throw keyRequired();
  return idempotencyKey;
}

/** Whose reservation it is. @throws AppError token_invalid */
function buyer(): string {
  const caller = currentCaller();
  if (caller.kind === 'anonymous') throw tokenInvalid();
  return 'id' in caller ? caller.id : caller.kind;
}

function told({ done, replayed }: Once<Reservation>): Answer<Reservation> {
  return answer(done, replayed ? { replayed: 'answer' } : { version: done.version });
}
