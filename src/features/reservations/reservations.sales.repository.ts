import { Injectable } from '@nestjs/common';
import { inList, insertNew, newGroupId } from '../../shared/db/bulk';
import type { Database } from '../../shared/db/database';
import { DatabaseTime } from '../../shared/db/database.time';
import { Databases } from '../../shared/db/databases';
import { isUniqueViolation } from '../../shared/db/db.errors';
import { insertRow, select, selectOne } from '../../shared/db/entity';
import type { Sql } from '../../shared/db/sql';
import {
  type Place,
  type SaleLevel,
  type SaleRow,
  type SectionRow,
  salesTable,
  sectionsTable,
} from './reservations.entity';
import { capacityInUse, saleExists, saleNotFound, sectionNotFound, versionMismatch } from './reservations.errors';
import type { Piece } from './reservations.stock.repository';

/** A sale with its sections, in their order. */
export interface FoundSale {
  readonly sale: SaleRow;
  readonly sections: readonly SectionRow[];
}

/** A section that is made, with its seats where it has any. */
export interface SectionPlan {
  readonly sectionId: string;
  readonly price: number;
  readonly capacity: number;
  readonly seats: readonly string[];
}

/** What changes about a section. */
export interface SectionGrowth {
  readonly sectionId: string;
  readonly capacity: number | undefined;
  readonly seats: readonly string[];
}

export interface SaleChange {
  readonly title: string | undefined;
  readonly closesAt: number | undefined;
  /** It is meant for this version. */
  readonly expectedVersion: number | undefined;
}

export interface SeatState {
  readonly seatId: string;
  readonly state: Place;
}

// The bulk inserts of all databases take so many at once.
const maxSeatsAtOnce = 5000;
// Each section of each is a series.
const maxSalesTold = 20;
const ended = `(SELECT COALESCE(SUM(i.quantity), 0) FROM reservations r JOIN reservations_items i ON i.reservation_id = r.id
  WHERE r.sale_id = s.sale_id AND r.status = 'held' AND r.held_until <= ? AND i.section_id = s.section_id)`;

/** The tables of sales, sections and seats, as operators change them and as everybody sees them. */
@Injectable()
export class SalesRepository {
  private readonly db: Database;

  constructor(
    databases: Databases,
    private readonly time: DatabaseTime,
  ) {
    this.db = databases.of('reservations');
  }

  /** @throws AppError sale_exists */
  async create(tx: Sql, sale: Omit<SaleRow, 'seq'>, sections: readonly SectionPlan[]): Promise<void> {
    const { saleId } = sale;
    try {
      await insertRow(tx, salesTable, sale);
    } catch (error) {
      throw isUniqueViolation(error) ? saleExists(saleId) : error;
    }
    for (const { sectionId, price, capacity, seats } of sections) {
      const places = { capacity, available: capacity, held: 0, sold: 0, blocked: 0 };
      const seated = seats.length > 0 ? 1 : 0;
      await insertRow(tx, sectionsTable, { saleId, sectionId, price, seated, ...places });
      await insertSeats(tx, { saleId, sectionId }, seats);
    }
  }

  find(saleId: string): Promise<FoundSale | undefined> {
    return this.db.read((sql) => findSale(sql, saleId));
  }

  /** Newest first, before a place in the list. */
  list(before: number, limit: number): Promise<FoundSale[]> {
    return this.db.read(async (sql) => {
      const sales = await select(sql, salesTable, `WHERE seq < ? ORDER BY seq DESC LIMIT ${limit}`, [before]);
      if (sales.length === 0) return [];
      const ids = inList(
        sql.kind,
        sales.map(({ saleId }) => saleId),
      );
      const sections = await select(sql, sectionsTable, `WHERE sale_id ${ids.text} ORDER BY seq`, ids.params);
      return sales.map((sale) => ({ sale, sections: sections.filter(({ saleId }) => saleId === sale.saleId) }));
    });
  }

  /** @throws AppError sale_not_found, version_mismatch, section_not_found, capacity_in_use */
  async update(
    tx: Sql,
    saleId: string,
    { title, closesAt, expectedVersion }: SaleChange,
    growth: readonly SectionGrowth[],
    now: number,
  ): Promise<FoundSale> {
    const text = `UPDATE reservations_sales SET title = COALESCE(?, title), closes_at = COALESCE(?, closes_at),
      version = version + 1, updated_at = ? WHERE sale_id = ?`;
    if ((await tx.run(text, [title ?? null, closesAt ?? null, now, saleId])) === 0) throw saleNotFound(saleId);
    // The row is this transaction's by now.
    const version = ((await findSale(tx, saleId)) as FoundSale).sale.version - 1;
    if (expectedVersion !== undefined && expectedVersion !== version) throw versionMismatch(expectedVersion, version);
    for (const section of [...growth].sort((a, b) => (a.sectionId < b.sectionId ? -1 : 1)))
      await grow(tx, saleId, section);
    return (await findSale(tx, saleId)) as FoundSale;
  }

  /** Nothing when it is in this state, or closed for good. */
  async setState(tx: Sql, saleId: string, state: SaleRow['state'], now: number): Promise<void> {
    const text = `UPDATE reservations_sales SET state = ?, version = version + 1, updated_at = ?
      WHERE sale_id = ? AND state <> 'closed' AND state <> ?`;
    await tx.run(text, [state, now, saleId, state]);
  }

  /** The sections as they are at this instant: what holds that have run out had is available. */
  available(saleId: string): Promise<{ readonly sections: SectionRow[]; readonly asOf: number }> {
    return this.db.read(async (sql) => {
      const asOf = await this.time.nowIn(sql);
      const text = `SELECT s.section_id AS section_id, ${ended} AS ended, s.price, s.seated, s.capacity, s.available, s.held,
        s.sold, s.blocked, s.seq FROM reservations_sections s WHERE s.sale_id = ? ORDER BY s.seq`;
      const rows = await sql.rows<Record<string, number | string>>(text, [asOf, saleId]);
      const sections = rows.map((row) => {
        const of = (name: string): number => Number(row[name]);
        const places = { capacity: of('capacity'), sold: of('sold'), blocked: of('blocked') };
        const shared = { available: of('available') + of('ended'), held: of('held') - of('ended') };
        return {
          ...{ seq: of('seq'), saleId, sectionId: String(row.section_id), price: of('price'), seated: of('seated') },
          ...{ ...places, ...shared },
        };
      });
      return { sections, asOf };
    });
  }

  /** Seats of a section by their ids, after one of them, as they are at this instant. */
  seats({ saleId, sectionId }: Omit<Piece, 'quantity'>, after: string, limit: number): Promise<SeatState[]> {
    return this.db.read(async (sql) => {
      const text = `SELECT s.seat_id AS seat_id, s.state AS state, r.id AS ended FROM reservations_seats s
        LEFT JOIN reservations r ON r.id = s.reservation_id AND r.status = 'held' AND r.held_until <= ?
        WHERE s.sale_id = ? AND s.section_id = ? AND s.seat_id > ? ORDER BY s.seat_id LIMIT ${limit}`;
      const params = [await this.time.nowIn(sql), saleId, sectionId, after];
      const rows = await sql.rows<{ seat_id: string; state: Place; ended: string | null }>(text, params);
      return rows.map(({ seat_id: seatId, state, ended }) => ({
        seatId,
        state: ended === null ? state : 'available',
      }));
    });
  }

  /** What is left of the newest open sales. */
  levels(): Promise<SaleLevel[]> {
    return this.db.read((sql) =>
      sql.rows<SaleLevel>(
        `SELECT s.sale_id AS ${quoted(sql, 'saleId')}, s.section_id AS ${quoted(sql, 'sectionId')}, s.available AS available
         FROM reservations_sections s JOIN (SELECT sale_id FROM reservations_sales WHERE state = 'open'
         ORDER BY seq DESC LIMIT ${maxSalesTold}) o ON o.sale_id = s.sale_id`,
      ),
    );
  }
}

/** PostgreSQL folds a name without quotes; MySQL knows other quotes, and needs none. */
function quoted({ kind }: Sql, name: string): string {
  return kind === 'postgres' ? `"${name}"` : name;
}

/** In a transaction or outside of one. */
export async function findSale(sql: Sql, saleId: string): Promise<FoundSale | undefined> {
  const sale = await selectOne(sql, salesTable, 'WHERE sale_id = ?', [saleId]);
  if (!sale) return undefined;
  return { sale, sections: await select(sql, sectionsTable, 'WHERE sale_id = ? ORDER BY seq', [saleId]) };
}

/** @throws AppError section_not_found, capacity_in_use */
async function grow(tx: Sql, saleId: string, { sectionId, capacity, seats }: SectionGrowth): Promise<void> {
  const where = 'WHERE sale_id = ? AND section_id = ?';
  const section = await selectOne(tx, sectionsTable, where, [saleId, sectionId]);
  if (!section) throw sectionNotFound(sectionId);
  if (capacity !== undefined) {
    const text = `UPDATE reservations_sections SET available = ? - held - sold - blocked, capacity = ?
      ${where} AND held + sold + blocked <= ?`;
    if ((await tx.run(text, [capacity, capacity, saleId, sectionId, capacity])) === 0) throw capacityInUse(sectionId);
  }
  const added = await insertSeats(tx, { saleId, sectionId }, seats);
  const text = `UPDATE reservations_sections SET available = available + ?, capacity = capacity + ? ${where}`;
  if (added > 0) await tx.run(text, [added, added, saleId, sectionId]);
}

/** Answers how many of them are new. */
async function insertSeats(
  tx: Sql,
  { saleId, sectionId }: Omit<Piece, 'quantity'>,
  seats: readonly string[],
): Promise<number> {
  const columns = { sale_id: 'text', section_id: 'text', seat_id: 'text', state: 'text' } as const;
  const key = ['sale_id', 'section_id', 'seat_id'];
  let added = 0;
  for (let from = 0; from < seats.length; from += maxSeatsAtOnce) {
    const rows = seats.slice(from, from + maxSeatsAtOnce).map((seat) => [saleId, sectionId, seat, 'available']);
    added += (await insertNew(tx, { table: 'reservations_seats', columns, key, rows, groupId: newGroupId() })).size;
  }
  return added;
}
