import { Injectable } from '@nestjs/common';
import { inList } from '../../shared/db/bulk';
import type { Database } from '../../shared/db/database';
import { Databases } from '../../shared/db/databases';
import { insertRow, rowsOf, select, selectOne } from '../../shared/db/entity';
import { prune } from '../../shared/db/prune';
import type { Sql } from '../../shared/db/sql';
import {
  type OperationRow,
  operationsTable,
  type PaymentRow,
  paymentsTable,
  type ReservationRow,
  reservationsTable,
  webhooksTable,
} from './payments.entity';

// Further ahead nothing is ever put off: a clock was wrong.
const absurdMs = 10 * 60_000;

/** What has to be done: orders to the provider, and consequences of what became of reservations. */
@Injectable()
export class PaymentsOperationsRepository {
  private readonly db: Database;

  constructor(databases: Databases) {
    this.db = databases.of('payments');
  }

  /** Takes up to `limit` orders that are due, each for one process: they are due again at `again`. */
  async claim(now: number, again: number, limit: number): Promise<OperationRow[]> {
    const due = "WHERE state = 'pending' AND (next_at <= ? OR next_at > ?) ORDER BY next_at LIMIT ?";
    const found = await this.db.read((sql) => select(sql, operationsTable, due, [now, now + absurdMs, limit]));
    const claimed: OperationRow[] = [];
    const text = `UPDATE payments_operations SET next_at = ?, tries = tries + 1 WHERE id = ? AND tries = ? AND state = 'pending'`;
    for (const one of found) {
      const mine = await this.db.transaction((tx) => tx.run(text, [again, one.id, one.tries]));
      if (mine === 1) claimed.push({ ...one, tries: one.tries + 1, nextAt: again });
    }
    return claimed;
  }

  /** An order that has no answer for good is due again at `nextAt`, after so many tries; not where somebody else has taken it meanwhile. */
  async putOff({ id, tries }: OperationRow, nextAt: number, triesThen: number): Promise<void> {
    const text =
      "UPDATE payments_operations SET next_at = ?, tries = ? WHERE id = ? AND tries = ? AND state = 'pending'";
    await this.db.transaction((tx) => tx.run(text, [nextAt, triesThen, id, tries]));
  }

  /** Writes down what became of a reservation, in the transaction of the inbox; the consequences are drawn after it. */
  async note(tx: Sql, row: Omit<ReservationRow, 'seq' | 'version' | 'handledAt'>): Promise<void> {
    const { reservationId, status, paymentId, at } = row;
    const change = 'status = ?, payment_id = COALESCE(?, payment_id), at = ?, version = version + 1, handled_at = 0';
    const text = `UPDATE payments_reservations SET ${change} WHERE reservation_id = ?`;
    // Announcements of one reservation come one after another, so that nobody else inserts it in between.
    if ((await tx.run(text, [status, paymentId, at, reservationId])) === 0)
      await insertRow(tx, reservationsTable, { ...row, version: 1, handledAt: 0 });
  }

  /** Reservations whose consequences are not drawn, oldest first. */
  open(limit: number): Promise<ReservationRow[]> {
    return this.db.read((sql) => select(sql, reservationsTable, 'WHERE handled_at = 0 ORDER BY seq LIMIT ?', [limit]));
  }

  /** Not when it has announced something else meanwhile. */
  async close({ reservationId, version }: ReservationRow, now: number): Promise<void> {
    await this.db.transaction((tx) =>
      rowsOf(tx, reservationsTable).update({ reservationId, version }, { handledAt: now }),
    );
  }

  /** The ids of all payments of a reservation, in one order. */
  async paymentsOf(reservationId: string): Promise<string[]> {
    const where = 'WHERE reservation_id = ? ORDER BY id';
    const rows = await this.db.read((sql) => select(sql, paymentsTable, where, [reservationId]));
    return rows.map(({ id }) => id);
  }

  payment(id: string): Promise<PaymentRow | undefined> {
    return this.db.read((sql) => selectOne(sql, paymentsTable, 'WHERE id = ?', [id]));
  }

  /** Payments that nobody has begun and whose time is over. */
  async forgotten(before: number, limit: number): Promise<string[]> {
    const where = "WHERE status = 'pending' AND expires_at < ? ORDER BY expires_at LIMIT ?";
    const rows = await this.db.read((sql) => select(sql, paymentsTable, where, [before, limit]));
    return rows.map(({ id }) => id);
  }

  pruneWebhooks(before: number, limit: number): Promise<number> {
    return prune(this.db, { table: webhooksTable.name, column: 'received_at', before, limit });
  }

  /** The money of a sale, in one statement: set aside or taken, taken, and given back. */
  async sums(saleId: string): Promise<{ authorized: number; captured: number; refunded: number }> {
    const paying = "('authorized', 'completed', 'partially_refunded', 'refunded')";
    const text = `SELECT COALESCE(SUM(CASE WHEN status IN ${paying} THEN amount ELSE 0 END), 0) AS authorized,
      COALESCE(SUM(captured), 0) AS captured, COALESCE(SUM(refunded), 0) AS refunded FROM payments WHERE sale_id = ?`;
    const [row] = await this.db.read((sql) =>
      sql.rows<Record<'authorized' | 'captured' | 'refunded', number | string>>(text, [saleId]),
    );
    const number = (value: number | string | undefined): number => Number(value ?? 0);
    return {
      authorized: number(row?.authorized),
      captured: number(row?.captured),
      refunded: number(row?.refunded),
    };
  }

  /** All payments of these reservations. */
  paymentsOfAll(reservationIds: readonly string[]): Promise<PaymentRow[]> {
    const list = inList(this.db.kind, reservationIds);
    return this.db.read((sql) => select(sql, paymentsTable, `WHERE reservation_id ${list.text}`, list.params));
  }

  /** Payments of a sale that hold money, or did, behind a place. */
  moneyOf(saleId: string, afterSeq: number, limit: number): Promise<PaymentRow[]> {
    const where = `WHERE sale_id = ? AND seq > ? AND (status = 'authorized' OR captured > 0) ORDER BY seq LIMIT ?`;
    return this.db.read((sql) => select(sql, paymentsTable, where, [saleId, afterSeq, limit]));
  }

  /** Payments of a sale that are over and whose money the provider was told to let go of before this time, but has not. */
  async lingering(saleId: string, before: number, limit: number): Promise<{ id: string; reservationId: string }[]> {
    const text = `SELECT p.id AS id, p.reservation_id AS reservation_id FROM payments p
      JOIN payments_operations o ON o.payment_id = p.id
      WHERE p.sale_id = ? AND o.kind IN ('void', 'refund') AND o.state = 'pending' AND o.created_at < ?
      ORDER BY p.seq LIMIT ?`;
    const rows = await this.db.read((sql) =>
      sql.rows<{ id: string; reservation_id: string }>(text, [saleId, before, limit]),
    );
    return rows.map(({ id, reservation_id: reservationId }) => ({ id, reservationId }));
  }
}
