import { Injectable } from '@nestjs/common';
import { inList, insertNew, newGroupId } from '../../shared/db/bulk';
import type { Database } from '../../shared/db/database';
import { DatabaseTime } from '../../shared/db/database.time';
import { Databases } from '../../shared/db/databases';
import { insertRow, select, selectOne } from '../../shared/db/entity';
import type { Sql } from '../../shared/db/sql';
import { AppError } from '../../shared/errors/app-error';
import { Idempotency, type KeyedRequest } from '../../shared/idempotency/idempotency';
import type { IdempotencyRepository, Once } from '../../shared/idempotency/idempotency.repository';
import type { Announce } from '../../shared/outbox/outbox';
import {
  type ItemRow,
  itemsTable,
  type PaymentTold,
  paidTable,
  type ReservationRow,
  reservationKeysTable,
  reservationsTable,
  type Status,
} from './reservations.entity';
import { type ReservationNews, reservationNews } from './reservations.events';
import { ReservationsOutbox } from './reservations.outbox';
import { giveBack, moveItems } from './reservations.stock.repository';

/** A reservation with what is in it. */
export interface Found {
  readonly row: ReservationRow;
  readonly items: readonly ItemRow[];
}

/** What a change of one reservation writes. */
export interface Change {
  readonly status: Status;
  readonly paymentId?: string;
  readonly ticket?: string;
}

const maxExpired = 200;
const maxTries = 4;
// Where an ended reservation leaves its seats.
const freed: Readonly<Partial<Record<Status, 'held' | 'sold'>>> = {
  cancelled: 'held',
  expired: 'held',
  refunded: 'sold',
  revoked: 'sold',
};

/**
 * The tables of reservations. A change of one happens by a conditional UPDATE of its row, in one transaction with what it
 * does to sections, seats and buyers, with its answer and with what is announced. `owner`: the only user that the caller
 * may see; undefined: all.
 */
@Injectable()
export class ReservationsRepository {
  readonly db: Database;
  private readonly keys: IdempotencyRepository;

  constructor(
    databases: Databases,
    private readonly idempotency: Idempotency,
    private readonly time: DatabaseTime,
    private readonly outbox: ReservationsOutbox,
  ) {
    this.db = databases.of('reservations');
    this.keys = idempotency.keysIn(this.db, reservationKeysTable.name);
  }

  /**
   * Runs `work` once for each key, in a transaction; `now` is the database's. Who finds that somebody else has changed what it
   * has just read looks again. @throws as `Idempotency`
   */
  async command<Answer extends object>(
    route: string,
    call: KeyedRequest,
    work: (tx: Sql, now: number, announce: Announce) => Promise<Answer>,
  ): Promise<Once<Answer>> {
    const keyed = this.idempotency.callOf(`ReservationService.${route}`, call);
    for (let tries = 1; ; tries += 1)
      try {
        return await this.outbox.transaction(async (tx, announce) => {
          const now = await this.time.nowIn(tx);
          return this.keys.once(tx, keyed, () => work(tx, now, announce));
        });
      } catch (error) {
        const isBusy = error instanceof AppError && error.code === 'resource_busy';
        if (!isBusy || tries === maxTries) throw error;
      }
  }

  /** As it is at this instant: a hold that has run out is expired, also where nobody has tidied up yet. */
  find(id: string, owner: string | undefined): Promise<Found | undefined> {
    return this.db.read(async (sql) => this.findIn(sql, await this.time.nowIn(sql), id, owner));
  }

  async findIn(sql: Sql, now: number, id: string, owner: string | undefined): Promise<Found | undefined> {
    const mine = owner === undefined ? '' : ' AND user_id = ?';
    const params = owner === undefined ? [id] : [id, owner];
    const row = await selectOne(sql, reservationsTable, `WHERE id = ?${mine}`, params);
    if (!row) return undefined;
    return { row: atInstant(row, now), items: await this.itemsOf(sql, [id]) };
  }

  /** Newest first, before a place in the list. */
  list(
    { saleId, userId }: { readonly saleId: string | undefined; readonly userId: string | undefined },
    before: number,
    limit: number,
  ): Promise<Found[]> {
    return this.db.read(async (sql) => {
      const now = await this.time.nowIn(sql);
      const filters = [
        ...(saleId === undefined ? [] : [['sale_id = ?', saleId] as const]),
        ...(userId === undefined ? [] : [['user_id = ?', userId] as const]),
      ];
      const where = ['seq < ?', ...filters.map(([text]) => text)].join(' AND ');
      const params = [before, ...filters.map(([, value]) => value)];
      const rows = await select(sql, reservationsTable, `WHERE ${where} ORDER BY seq DESC LIMIT ${limit}`, params);
      const items = await this.itemsOf(
        sql,
        rows.map(({ id }) => id),
      );
      return rows.map((row) => ({
        row: atInstant(row, now),
        items: items.filter(({ reservationId }) => reservationId === row.id),
      }));
    });
  }

  async insert(tx: Sql, { row, items }: Found): Promise<void> {
    const { seq: _, ...reservation } = row;
    await insertRow(tx, reservationsTable, reservation);
    for (const { seq: _seq, ...item } of items) await insertRow(tx, itemsTable, item);
  }

  /**
   * Makes the change where the row still is what `found` tells, and a hold has not run out: false otherwise. Seats follow,
   * and whoever listens is told.
   */
  async change(tx: Sql, now: number, announce: Announce, found: Found, change: Change): Promise<boolean> {
    const { row, items } = found;
    const { status, paymentId = row.paymentId, ticket = row.ticket } = change;
    const running = row.status === 'held' ? ' AND held_until > ?' : '';
    const text = `UPDATE reservations SET status = ?, payment_id = ?, ticket = ?, version = version + 1, updated_at = ?
      WHERE id = ? AND status = ? AND version = ?${running}`;
    const params = [status, paymentId, ticket, now, row.id, row.status, row.version];
    if ((await tx.run(text, running === '' ? params : [...params, now])) === 0) return false;
    await this.follow(tx, [row], items, status);
    await this.tell(announce, { ...row, paymentId }, status, now);
    return true;
  }

  /** False when it has ended, or was extended before. */
  async extend(tx: Sql, now: number, { row }: Found, heldUntil: number): Promise<boolean> {
    const text = `UPDATE reservations SET held_until = ?, extended = 1, version = version + 1, updated_at = ?
      WHERE id = ? AND status = 'held' AND held_until > ? AND extended = 0`;
    return (await tx.run(text, [heldUntil, now, row.id, now])) === 1;
  }

  /** Ends holds that have run out, of one sale or of all: up to 200, the oldest first. Answers how many. */
  expire(saleId?: string): Promise<number> {
    return this.outbox.transaction(async (tx, announce) => {
      const now = await this.time.nowIn(tx);
      const mine = saleId === undefined ? '' : ' AND sale_id = ?';
      const params = saleId === undefined ? [now] : [now, saleId];
      const due = `WHERE status = 'held' AND held_until <= ?${mine} ORDER BY held_until LIMIT ${maxExpired}`;
      const found = await select(tx, reservationsTable, due, params);
      const ended: ReservationRow[] = [];
      const text = `UPDATE reservations SET status = 'expired', version = version + 1, updated_at = held_until
        WHERE id = ? AND status = 'held' AND held_until <= ?`;
      for (const row of found.sort((a, b) => a.seq - b.seq))
        if ((await tx.run(text, [row.id, now])) === 1) ended.push(row);
      const items = await this.itemsOf(
        tx,
        ended.map(({ id }) => id),
      );
      await this.follow(tx, ended, items, 'expired');
      for (const row of ended) await this.tell(announce, row, 'expired', now);
      return ended.length;
    });
  }

  /** Takes a grant: false when it was used or voided before. `reservationId` null voids it. */
  async takeGrant(
    tx: Sql,
    { jti, saleId, reservationId, now }: { jti: string; saleId: string; reservationId: string | null; now: number },
  ): Promise<boolean> {
    const columns = { jti: 'text', sale_id: 'text', reservation_id: 'text', used_at: 'int' } as const;
    const bulk = { table: 'reservations_grants', columns, key: ['jti'], groupId: newGroupId() };
    return (await insertNew(tx, { ...bulk, rows: [[jti, saleId, reservationId, now]] })).size === 1;
  }

  /** What a grant was used for; null: it was voided. */
  async grantUse(tx: Sql, jti: string): Promise<string | null> {
    const text = 'SELECT reservation_id FROM reservations_grants WHERE jti = ?';
    const [row] = await tx.rows<{ reservation_id: string | null }>(text, [jti]);
    return row?.reservation_id ?? null;
  }

  /** The payment of exactly its amount that has been authorized for it; `paymentId`: only that one. */
  async authorized(tx: Sql, row: ReservationRow, paymentId: string | undefined): Promise<string | undefined> {
    const named = paymentId === undefined ? '' : ' AND payment_id = ?';
    const text = `SELECT payment_id FROM reservations_payments WHERE reservation_id = ? AND amount = ? AND currency = ?
      AND status = 'authorized'${named} ORDER BY seq LIMIT 1`;
    const params = [row.id, row.amount, row.currency, ...(paymentId === undefined ? [] : [paymentId])];
    return (await tx.rows<{ payment_id: string }>(text, params))[0]?.payment_id;
  }

  /** Writes down what was told of a payment. They are told in order. */
  async writePayment(tx: Sql, { paymentId, reservationId, amount, currency, status, at }: PaymentTold): Promise<void> {
    const columns = { payment_id: 'text', reservation_id: 'text', amount: 'int', currency: 'text' } as const;
    const bulk = { table: paidTable.name, key: ['payment_id'], groupId: newGroupId() };
    const told = { ...columns, status: 'text', told_at: 'int' } as const;
    const rows = [[paymentId, reservationId, amount, currency, status, at]];
    if ((await insertNew(tx, { ...bulk, columns: told, rows })).size === 1) return;
    const text = 'UPDATE reservations_payments SET status = ?, told_at = ? WHERE payment_id = ?';
    await tx.run(text, [status, at, paymentId]);
  }

  /** For a transaction that somebody else has begun: what is announced in it, and the database's time. */
  async joining(tx: Sql): Promise<{ readonly now: number; readonly announce: Announce }> {
    return { now: await this.time.nowIn(tx), announce: this.outbox.announcing(tx) };
  }

  private itemsOf(sql: Sql, ids: readonly string[]): Promise<ItemRow[]> {
    if (ids.length === 0) return Promise.resolve([]);
    const list = inList(sql.kind, ids);
    return select(sql, itemsTable, `WHERE reservation_id ${list.text} ORDER BY section_id`, list.params);
  }

  private async follow(
    tx: Sql,
    rows: readonly ReservationRow[],
    items: readonly ItemRow[],
    status: Status,
  ): Promise<void> {
    const from = freed[status];
    if (from !== undefined) await giveBack(tx, rows);
    if (from !== undefined) await moveItems(tx, items, from, 'available');
    if (status === 'confirmed') await moveItems(tx, items, 'held', 'sold');
  }

  private async tell(announce: Announce, row: ReservationRow, status: Status, now: number): Promise<void> {
    if (status === 'held' || status === 'refunding') return;
    const { id: reservationId, saleId, userId, amount, currency, quantity, grantId, paymentId } = row;
    const news: ReservationNews = {
      ...{ reservationId, saleId, userId, status, amount, currency, quantity, at: now },
      ...(grantId !== null && { grant: grantId }),
      ...(paymentId !== null && { paymentId }),
    };
    await announce(reservationNews, reservationId, news);
  }
}

function atInstant(row: ReservationRow, now: number): ReservationRow {
  if (row.status !== 'held' || row.heldUntil > now) return row;
  // As it is once it is tidied up: what is seen twice is the same version.
  return { ...row, status: 'expired', version: row.version + 1, updatedAt: row.heldUntil };
}
