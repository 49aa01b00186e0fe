import { Injectable } from '@nestjs/common';
import { Databases } from '../../shared/db/databases';
import { HeavyReads } from '../../shared/db/heavy-reads';

/** What was found about one section, one reservation, one seat or one buyer; what the numbers are is said by `kind`. */
export interface AuditRow {
  readonly kind: 'section' | 'seat' | 'buyer' | 'unpaid' | 'items';
  readonly name: string;
  readonly detail: string;
  readonly [number: `n${number}`]: number;
}

const live = "('held', 'confirmed', 'refunding')";
const quantityOf = (statuses: string): string => `(SELECT COALESCE(SUM(i.quantity), 0) FROM reservations_items i
  JOIN reservations r ON r.id = i.reservation_id
  WHERE r.sale_id = s.sale_id AND i.section_id = s.section_id AND r.status IN ${statuses})`;
const seatsAt = (state: string): string => `(SELECT COUNT(*) FROM reservations_seats p
  WHERE p.sale_id = s.sale_id AND p.section_id = s.section_id AND p.state = '${state}')`;
const noNumbers = (count: number): string => ', 0'.repeat(count);

// One statement, so that all of it is seen at one instant, whatever is being sold meanwhile.
const text = `
  SELECT 'section' AS kind, s.section_id AS name, '' AS detail, s.capacity AS n0, s.available AS n1, s.held AS n2,
    s.sold AS n3, s.blocked AS n4, ${quantityOf("('held')")} AS n5, ${quantityOf("('confirmed', 'refunding')")} AS n6,
    s.seated AS n7, ${seatsAt('available')} AS n8, ${seatsAt('held')} AS n9, ${seatsAt('sold')} AS n10,
    ${seatsAt('blocked')} AS n11
  FROM reservations_sections s WHERE s.sale_id = ?
  UNION ALL
  SELECT 'seat', p.section_id, p.seat_id${noNumbers(12)} FROM reservations_seats p
  LEFT JOIN reservations r ON r.id = p.reservation_id
  WHERE p.sale_id = ? AND NOT (
    (p.state IN ('available', 'blocked') AND p.reservation_id IS NULL)
    OR (p.state = 'held' AND COALESCE(r.status, '') = 'held')
    OR (p.state = 'sold' AND COALESCE(r.status, '') IN ('confirmed', 'refunding')))
  UNION ALL
  SELECT 'buyer', b.user_id, '', b.quantity, COALESCE(SUM(r.quantity), 0)${noNumbers(10)} FROM reservations_buyers b
  LEFT JOIN reservations r ON r.sale_id = b.sale_id AND r.user_id = b.user_id AND r.status IN ${live}
  WHERE b.sale_id = ? GROUP BY b.user_id, b.quantity HAVING b.quantity <> COALESCE(SUM(r.quantity), 0)
  UNION ALL
  SELECT 'unpaid', r.id, '', r.amount${noNumbers(11)} FROM reservations r
  LEFT JOIN reservations_payments p ON p.payment_id = r.payment_id AND p.reservation_id = r.id AND p.amount = r.amount
    AND p.currency = r.currency AND p.status IN ('authorized', 'refunding')
  WHERE r.sale_id = ? AND r.status IN ('confirmed', 'refunding') AND r.amount > 0 AND p.seq IS NULL
  UNION ALL
  SELECT 'items', r.id, '', r.quantity, COALESCE(SUM(i.quantity), 0)${noNumbers(10)} FROM reservations r
  LEFT JOIN reservations_items i ON i.reservation_id = r.id
  WHERE r.sale_id = ? GROUP BY r.id, r.quantity, r.amount
  HAVING r.quantity <> COALESCE(SUM(i.quantity), 0) OR r.amount <> COALESCE(SUM(i.quantity * i.price), 0)`;

/** Counts a sale anew, out of reservations, items, seats and payments. It reads all of them. */
@Injectable()
export class AuditRepository {
  constructor(
    private readonly databases: Databases,
    private readonly reads: HeavyReads,
  ) {}

  /** Sections as they are counted, and everything that is not as it must be. @throws AppError rate_limited */
  audit(saleId: string): Promise<AuditRow[]> {
    const database = this.databases.of('reservations');
    return this.reads.run(() => database.scan<AuditRow>(text, [saleId, saleId, saleId, saleId, saleId]));
  }
}
