import { insertNew, newGroupId, upsertAdd } from '../../shared/db/bulk';
import { select, selectOne } from '../../shared/db/entity';
import type { ColumnType, Sql } from '../../shared/db/sql';
import { drawnOrder } from './queue.draw';
import { queueTicketsTable, type RoomRow, roomsTable, type TicketRow } from './queue.entity';

// What several transactions of a room have in common. Bulk statements, since thousands join and are drawn at once.

const columns: Readonly<Record<string, ColumnType>> = {
  ...({ sale_id: 'text', number: 'int', user_id: 'text', nonce: 'text', ticket_hash: 'text' } as const),
  ...({ joined_at: 'int', previous: 'text', hash: 'text', place: 'int', status: 'text', seen_at: 'int' } as const),
  ...({ called_at: 'int', ready_until: 'int', missed: 'int', admitted_at: 'int', grant_until: 'int' } as const),
  ...({ void_at: 'int', ended: 'int', changed: 'int', present_until: 'int' } as const),
};
const maxRowsAtOnce = 1000;

export type NewTicket = Omit<TicketRow, 'seq' | 'grantId' | 'groupId'>;

/**
 * Locks the room until the COMMIT and numbers this change: it is `changes` of the row. All changes of a room are one after
 * the other, so whoever has read one has read all before it. Undefined: there is no such room.
 */
export async function lockRoom(tx: Sql, saleId: string): Promise<RoomRow | undefined> {
  // First of all: MariaDB reads as of its first read, which must not be before the lock.
  const locked = await tx.run('UPDATE queue_rooms SET changes = changes + 1 WHERE sale_id = ?', [saleId]);
  return locked === 0 ? undefined : selectOne(tx, roomsTable, 'WHERE sale_id = ?', [saleId]);
}

export async function insertTickets(tx: Sql, tickets: readonly NewTicket[], groupId: number): Promise<void> {
  const bulk = { table: queueTicketsTable.name, columns, key: ['sale_id', 'number'] };
  for (const rows of cut(tickets)) await insertNew(tx, { ...bulk, rows: rows.map(valuesOf), groupId });
}

/**
 * Puts all who have joined until now in the order of the draw, in a room that is locked. Silence counts from then on: whoever
 * has joined is drawn.
 */
export async function drawIn(tx: Sql, room: RoomRow, now: number): Promise<void> {
  const { saleId, seed, changes: changed } = room;
  const joins = await select(tx, queueTicketsTable, 'WHERE sale_id = ? ORDER BY number', [saleId]);
  const placed = drawnOrder(seed, joins).map((ticket, i) => ({ ...ticket, place: i + 1, changed }));
  const bulk = { table: queueTicketsTable.name, key: ['sale_id', 'number'], add: [], set: ['place', 'changed'] };
  const all = { ...columns, group_id: 'int' as const };
  const groupId = newGroupId();
  for (const rows of cut(placed))
    await upsertAdd(tx, { ...bulk, columns: all, rows: rows.map((row) => [...valuesOf(row), groupId]) });
  const text = `UPDATE queue_tickets SET status = 'waiting', seen_at = ?, changed = ?
    WHERE sale_id = ? AND status = 'prequeued'`;
  await tx.run(text, [now, changed, saleId]);
  await tx.run('UPDATE queue_rooms SET drawn = 1 WHERE sale_id = ?', [saleId]);
}

export function isDue({ drawn }: RoomRow, drawAt: number | undefined, now: number): boolean {
  return drawn === 0 && drawAt !== undefined && now >= drawAt;
}

function valuesOf(ticket: NewTicket): (string | number)[] {
  const { saleId, number, userId, nonce, ticketHash, joinedAt, previous, hash, place, status, seenAt } = ticket;
  const { calledAt, readyUntil, missed, admittedAt, grantUntil, voidAt, ended, changed, presentUntil } = ticket;
  return [
    ...[saleId, number, userId, nonce, ticketHash, joinedAt, previous, hash, place, status, seenAt],
    ...[calledAt, readyUntil, missed, admittedAt, grantUntil, voidAt, ended, changed, presentUntil],
  ];
}

function cut<T>(all: readonly T[]): T[][] {
  const parts: T[][] = [];
  for (let from = 0; from < all.length; from += maxRowsAtOnce) parts.push(all.slice(from, from + maxRowsAtOnce));
  return parts;
}
