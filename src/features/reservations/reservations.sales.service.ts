import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { PinoLogger } from 'nestjs-pino';
import { z } from 'zod';
import type {
  Availability,
  BlockSeatsRequest,
  CreateSaleRequest,
  GetAvailabilityRequest,
  ListSalesRequest,
  ListSalesResponse,
  Sale,
  SaleAudit,
  SectionAvailability,
  SetSaleStateRequest,
  UpdateSaleRequest,
} from '../../generated/aerie/reservations/v1/reservations';
import { Clock } from '../../shared/clock/clock';
import { instant, toTime } from '../../shared/clock/time';
import { type Answer, answer } from '../../shared/contract/answer';
import { PageTokens, rowNumber } from '../../shared/contract/page-token';
import { resourceBusy } from '../../shared/errors/common.errors';
import { AuditRepository } from './reservations.audit.repository';
import type { SaleState } from './reservations.entity';
import {
  badField,
  notBlocked,
  saleNotFound,
  saleStateFinal,
  seatNotFound,
  seatsTaken,
  sectionNotFound,
  soldOut,
} from './reservations.errors';
import { seatId } from './reservations.fields';
import { toAudit } from './reservations.findings';
import { ReservationsRepository } from './reservations.repository';
import { growthOf, plansOf, quantityOf, refuseTwice, saleOf, toAvailability, toSale } from './reservations.sale';
import { type FoundSale, findSale, SalesRepository } from './reservations.sales.repository';
import { moveQuantity, seatsElsewhere, takeSeats } from './reservations.stock.repository';

// What everybody asks for is looked up so often for all of them.
const freshMs = 200;
const maxSalesRemembered = 1000;
const seatsPage = 200;

type Seen = Awaited<ReturnType<SalesRepository['available']>>;

/** Sales as operators make and change them, and as everybody sees them. */
@Injectable()
export class SalesService {
  private readonly saleTokens;
  private readonly seatTokens;
  private readonly seen = new LRUCache<string, { readonly at: number; readonly sections: Promise<Seen> }>({
    max: maxSalesRemembered,
  });

  constructor(
    private readonly sales: SalesRepository,
    private readonly reservations: ReservationsRepository,
    private readonly audits: AuditRepository,
    private readonly clock: Clock,
    private readonly logger: PinoLogger,
    pageTokens: PageTokens,
  ) {
    this.saleTokens = pageTokens.of('sales', rowNumber);
    this.seatTokens = pageTokens.of('sale-seats', z.tuple([seatId]));
  }

  /** @throws AppError validation_failed, sale_exists, idempotency_key_reused, in_progress */
  async createSale(request: CreateSaleRequest, key: string | undefined): Promise<Answer<Sale>> {
    const sections = plansOf(request);
    const { done, replayed } = await this.reservations.command('CreateSale', { request, key }, async (tx, now) => {
      await this.sales.create(tx, saleOf(request, now), sections);
      return toSale((await findSale(tx, request.saleId)) as FoundSale);
    });
    this.logger.info({ sale: request.saleId }, 'sale_created');
    return answer(done, replayed ? { replayed: 'answer' } : { version: done.version });
  }

  /** @throws AppError sale_not_found */
  async getSale(saleId: string): Promise<Answer<Sale>> {
    const found = await this.sales.find(saleId);
    if (!found) throw saleNotFound(saleId);
    return answer(toSale(found), { version: found.sale.version });
  }

  /** Newest first. @throws AppError page_token_invalid */
  async listSales({ pageSize = 20, pageToken }: ListSalesRequest): Promise<ListSalesResponse> {
    const [before = Number.MAX_SAFE_INTEGER] = this.saleTokens.decode(null, pageToken) ?? [];
    const found = await this.sales.list(before, pageSize + 1);
    const { page, nextPageToken } = this.saleTokens.cut(null, found, pageSize, ({ sale }) => [sale.seq]);
    return { sales: page.map(toSale), nextPageToken };
  }

  /**
   * @throws AppError sale_not_found, section_not_found, validation_failed, capacity_in_use, version_mismatch,
   * idempotency_key_reused, in_progress
   */
  async updateSale(request: UpdateSaleRequest, key: string | undefined): Promise<Answer<Sale>> {
    const { saleId, title, closesAt, sections, expectedVersion } = request;
    refuseTwice(
      'sections',
      sections.map(({ sectionId }) => sectionId),
    );
    const { done, replayed } = await this.reservations.command('UpdateSale', { request, key }, async (tx, now) => {
      const known = await findSale(tx, saleId);
      if (!known) throw saleNotFound(saleId);
      const closes = closesAt === undefined ? undefined : instant(closesAt);
      if (closes !== undefined && closes <= known.sale.opensAt) throw badField('closesAt', 'must be after opensAt');
      const change = { title, closesAt: closes, expectedVersion };
      return toSale(await this.sales.update(tx, saleId, change, growthOf(request, known), now));
    });
    this.seen.delete(saleId);
    this.logger.info({ sale: saleId }, 'sale_updated');
    return answer(done, replayed ? { replayed: 'answer' } : { version: done.version });
  }

  /**
   * Paused, nobody begins to buy, and whoever holds goes on. A closed sale stays closed; one that is so already is not changed.
   * @throws AppError sale_not_found, sale_closed, idempotency_key_reused, in_progress
   */
  async setSaleState(request: SetSaleStateRequest, key: string | undefined): Promise<Answer<Sale>> {
    const { saleId, state } = request;
    const { done, replayed } = await this.reservations.command('SetSaleState', { request, key }, async (tx, now) => {
      await this.sales.setState(tx, saleId, state as SaleState, now);
      const found = await findSale(tx, saleId);
      if (!found) throw saleNotFound(saleId);
      if (found.sale.state !== state) throw saleStateFinal();
      return toSale(found);
    });
    this.logger.info({ sale: saleId, state }, 'sale_state_set');
    return answer(done, replayed ? { replayed: 'answer' } : { version: done.version });
  }

  /** At most 250 ms old; seats of a section as they are. @throws AppError sale_not_found, section_not_found, page_token_invalid */
  async getAvailability(request: GetAvailabilityRequest): Promise<Availability> {
    const { saleId, sectionId, pageSize = seatsPage, pageToken } = request;
    const { sections, asOf } = await this.seenOf(saleId);
    if (sections.length === 0) throw saleNotFound(saleId);
    const soldOut = sections.every(({ available }) => available === 0);
    const told = { sections: sections.map(toAvailability), soldOut, asOf: toTime(asOf) };
    if (sectionId === undefined) return { ...told, seats: [], nextPageToken: '' };
    if (!sections.some((one) => one.sectionId === sectionId)) throw sectionNotFound(sectionId);
    const filter = [saleId, sectionId];
    const [after = ''] = this.seatTokens.decode(filter, pageToken) ?? [];
    const found = await this.sales.seats({ saleId, sectionId }, after, pageSize + 1);
    const { page, nextPageToken } = this.seatTokens.cut(filter, found, pageSize, (seat) => [seat.seatId]);
    return { ...told, seats: [...page], nextPageToken };
  }

  /**
   * Takes seats out of the sale, or gives them back, all of them or none.
   * @throws AppError validation_failed, sale_not_found, section_not_found, sold_out, seat_not_found, seats_taken
   */
  async moveSeats(
    request: BlockSeatsRequest,
    key: string | undefined,
    [route, from, to]: ['BlockSeats', 'available', 'blocked'] | ['UnblockSeats', 'blocked', 'available'],
  ): Promise<Answer<SectionAvailability>> {
    const { saleId, sectionId, seatIds } = request;
    const known = await this.sales.find(saleId);
    if (!known) throw saleNotFound(saleId);
    const section = known.sections.find((one) => one.sectionId === sectionId);
    if (!section) throw sectionNotFound(sectionId);
    const quantity = quantityOf(request, section, '');
    const { done, replayed } = await this.reservations.command(route, { request, key }, async (tx) => {
      const { unknown, taken } = await seatsElsewhere(tx, section, seatIds, from);
      if (unknown.length > 0) throw seatNotFound(sectionId, unknown);
      if (taken.length > 0) throw from === 'blocked' ? notBlocked(sectionId) : seatsTaken(taken);
      if (!(await moveQuantity(tx, { saleId, sectionId, quantity }, from, to)))
        throw from === 'blocked' ? notBlocked(sectionId) : soldOut(sectionId);
      const moved = seatIds.length === 0 ? 0 : await takeSeats(tx, section, seatIds, { from, to, reservationId: null });
      if (moved !== seatIds.length) throw resourceBusy();
      const now = ((await findSale(tx, saleId)) as FoundSale).sections;
      return toAvailability(now.find((one) => one.sectionId === sectionId) as typeof section);
    });
    this.seen.delete(saleId);
    this.logger.info({ sale: saleId, section: sectionId, quantity, to }, 'seats_moved');
    return answer(done, replayed ? { replayed: 'answer' } : {});
  }

  /** Counts everything anew, out of reservations and seats. @throws AppError sale_not_found, rate_limited */
  async auditSale(saleId: string): Promise<SaleAudit> {
    const rows = await this.audits.audit(saleId);
    if (rows.length === 0) throw saleNotFound(saleId);
    return toAudit(rows);
  }

  private seenOf(saleId: string): Promise<Seen> {
    const now = this.clock.monotonic();
    const known = this.seen.get(saleId);
    if (known && now - known.at < freshMs) return known.sections;
    const sections = this.sales.available(saleId);
    this.seen.set(saleId, { at: now, sections });
    // What could not be read is asked for again.
    sections.catch(() => this.seen.delete(saleId));
    return sections;
  }
}
