import { inList, insertNew, newGroupId } from '../../shared/db/bulk';
import type { Sql } from '../../shared/db/sql';
import type { ItemRow, Place } from './reservations.entity';

// What is left of a sale, as statements that are part of a transaction. All of them take rows in the same order, or two
// buyers wait for each other: the reservation, its buyer, sections by their ids, seats by theirs.

/** So many of one section. */
export interface Piece {
  readonly saleId: string;
  readonly sectionId: string;
  readonly quantity: number;
}

/** Moves a quantity from one place to another; false when there is less, and nothing is moved. */
export async function moveQuantity(
  tx: Sql,
  { saleId, sectionId, quantity }: Piece,
  from: Place,
  to: Place,
): Promise<boolean> {
  const text = `UPDATE reservations_sections SET ${from} = ${from} - ?, ${to} = ${to} + ?
    WHERE sale_id = ? AND section_id = ? AND ${from} >= ?`;
  return (await tx.run(text, [quantity, quantity, saleId, sectionId, quantity])) === 1;
}

/** Moves those of the seats that are at `from`, and answers how many. `reservationId`: who has them then. */
export async function takeSeats(
  tx: Sql,
  { saleId, sectionId }: Omit<Piece, 'quantity'>,
  seatIds: readonly string[],
  { from, to, reservationId }: { readonly from: Place; readonly to: Place; readonly reservationId: string | null },
): Promise<number> {
  const list = inList(tx.kind, [...seatIds].sort());
  const text = `UPDATE reservations_seats SET state = ?, reservation_id = ?
    WHERE sale_id = ? AND section_id = ? AND seat_id ${list.text} AND state = ?`;
  return tx.run(text, [to, reservationId, saleId, sectionId, ...list.params, from]);
}

/** Those of the seats that are not at this place (nor this reservation's own), or not there at all. */
export async function seatsElsewhere(
  tx: Sql,
  { saleId, sectionId }: Omit<Piece, 'quantity'>,
  seatIds: readonly string[],
  place: Place,
  reservationId = '',
): Promise<{ readonly taken: string[]; readonly unknown: string[] }> {
  const list = inList(tx.kind, seatIds);
  const text = `SELECT seat_id, state, reservation_id FROM reservations_seats
    WHERE sale_id = ? AND section_id = ? AND seat_id ${list.text}`;
  const rows = await tx.rows<{ seat_id: string; state: Place; reservation_id: string | null }>(text, [
    ...[saleId, sectionId],
    ...list.params,
  ]);
  const there = new Map(rows.map(({ seat_id, state, reservation_id }) => [seat_id, { state, reservation_id }]));
  const isElsewhere = (id: string): boolean => {
    const seat = there.get(id);
    return seat !== undefined && seat.state !== place && seat.reservation_id !== reservationId;
  };
  return { taken: seatIds.filter(isElsewhere), unknown: seatIds.filter((id) => !there.has(id)) };
}

/** Moves all that these reservations have from one place to another. */
export async function moveItems(
  tx: Sql,
  items: readonly ItemRow[],
  from: 'held' | 'sold',
  to: 'available' | 'sold',
): Promise<void> {
  for (const piece of summed(items))
    if (!(await moveQuantity(tx, piece, from, to)))
      throw new Error(`Section ${piece.sectionId} of ${piece.saleId} has fewer ${from} than its reservations`);
  const seated = items.filter(({ seatIds }) => seatIds !== '[]').map(({ reservationId }) => reservationId);
  if (seated.length === 0) return;
  const list = inList(tx.kind, [...new Set(seated)].sort());
  const owner = to === 'available' ? ', reservation_id = NULL' : '';
  const text = `UPDATE reservations_seats SET state = ?${owner} WHERE reservation_id ${list.text} AND state = ?`;
  const moved = await tx.run(text, [to, ...list.params, from]);
  const expected = items.reduce((sum, { seatIds }) => sum + (JSON.parse(seatIds) as string[]).length, 0);
  if (moved !== expected) throw new Error(`${moved} seats were ${from} instead of ${expected}`);
}

/** Counts a quantity as the buyer's; false when that is more than `max` in all. */
export async function takeForBuyer(
  tx: Sql,
  { saleId, userId, quantity, max }: { saleId: string; userId: string; quantity: number; max: number },
): Promise<boolean> {
  if (quantity > max) return false;
  const text = `UPDATE reservations_buyers SET quantity = quantity + ?
    WHERE sale_id = ? AND user_id = ? AND quantity + ? <= ?`;
  const grow = () => tx.run(text, [quantity, saleId, userId, quantity, max]);
  if ((await grow()) === 1) return true;
  const columns = { sale_id: 'text', user_id: 'text', quantity: 'int' } as const;
  const bulk = { table: 'reservations_buyers', columns, key: ['sale_id', 'user_id'], groupId: newGroupId() };
  const fresh = await insertNew(tx, { ...bulk, rows: [[saleId, userId, quantity]] });
  // The same buyer's first two reservations came at once: the other one made the row.
  return fresh.size === 1 || (await grow()) === 1;
}

/** What buyers give back. */
export async function giveBack(
  tx: Sql,
  all: readonly { readonly saleId: string; readonly userId: string; readonly quantity: number }[],
): Promise<void> {
  const sums = new Map<string, { saleId: string; userId: string; quantity: number }>();
  for (const { saleId, userId, quantity } of all) {
    const key = `${saleId}\0${userId}`;
    sums.set(key, { saleId, userId, quantity: (sums.get(key)?.quantity ?? 0) + quantity });
  }
  const text = 'UPDATE reservations_buyers SET quantity = quantity - ? WHERE sale_id = ? AND user_id = ?';
  for (const [, { saleId, userId, quantity }] of inOrder(sums)) await tx.run(text, [quantity, saleId, userId]);
}

/** One piece for each section, in the order in which their rows are taken. */
function summed(items: readonly ItemRow[]): Piece[] {
  const sums = new Map<string, Piece>();
  for (const { saleId, sectionId, quantity } of items) {
    const key = `${saleId}\0${sectionId}`;
    sums.set(key, { saleId, sectionId, quantity: (sums.get(key)?.quantity ?? 0) + quantity });
  }
  return inOrder(sums).map(([, piece]) => piece);
}

function inOrder<T>(sums: ReadonlyMap<string, T>): [string, T][] {
  return [...sums].sort(([a], [b]) => (a < b ? -1 : 1));
}
