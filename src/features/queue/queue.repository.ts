import { Injectable } from '@nestjs/common';
import { inList, insertNew, newGroupId } from '../../shared/db/bulk';
import type { Database } from '../../shared/db/database';
import { DatabaseTime } from '../../shared/db/database.time';
import { Databases } from '../../shared/db/databases';
import { select, selectOne } from '../../shared/db/entity';
import type { Sql } from '../../shared/db/sql';
import { chained } from './queue.draw';
import { drawIn, insertTickets, isDue, lockRoom, type NewTicket } from './queue.draw.repository';
import { type HoldEnd, type Joiner, queueTicketsTable, type RoomRow, roomsTable, type TicketRow } from './queue.entity';

/** How a grant that is worth nothing ends. */
export interface Voiding {
  readonly readyMs: number;
  /** The sale is paused: nobody could use it. */
  readonly paused: boolean;
}

/** A joiner with what makes the ticket. */
export interface NewJoiner extends Joiner {
  readonly nonce: string;
  readonly ticketHash: string;
}

/** A room and its tickets that have changed. */
export interface RoomChanges {
  readonly room: RoomRow;
  readonly tickets: readonly TicketRow[];
  readonly now: number;
}

/** A grant that is to be given. */
export interface NewGrant {
  readonly ticketHash: string;
  readonly saleId: string;
  readonly jti: string;
  /** Seconds since 1970, from milliseconds of the database. */
  readonly until: (now: number) => number;
}

const liveList = "('prequeued', 'waiting', 'ready', 'admitted')";
const maxAdmissions = 100;
/** Tickets of one user for one sale, one after the other: the log of joins stays what people can read. */
export const maxTickets = 20;
// Whoever has joined is present at every process until the next poll of somebody near the head.
const joinedMs = 4000;

/**
 * The tables of the waiting room, but for its rounds. Whatever changes a ticket locks its room first and is a conditional
 * UPDATE, so several processes share a room without a leader. Joins are written in groups: thousands come in one second.
 */
@Injectable()
export class QueueRepository {
  readonly db: Database;

  constructor(
    databases: Databases,
    private readonly time: DatabaseTime,
  ) {
    this.db = databases.of('queue');
  }

  room(saleId: string): Promise<RoomRow | undefined> {
    return this.db.read((sql) => selectOne(sql, roomsTable, 'WHERE sale_id = ?', [saleId]));
  }

  /** Makes the room where there is none. */
  open(saleId: string, { seed, seedHash }: { readonly seed: string; readonly seedHash: string }): Promise<RoomRow> {
    return this.db.transaction(async (tx) => {
      const now = await this.time.nowIn(tx);
      const texts = { sale_id: 'text', seed: 'text', seed_hash: 'text', last_hash: 'text' } as const;
      const numbers = { last_number: 'int', last_joined_at: 'int', changes: 'int', drawn: 'int' } as const;
      const more = { tended_at: 'int', bought: 'int', unsold: 'int', quantity: 'int', created_at: 'int' } as const;
      const columns = { ...texts, ...numbers, ...more };
      const rows = [[saleId, seed, seedHash, seedHash, 0, 0, 0, 0, now, 0, 0, 0, now]];
      await insertNew(tx, { table: roomsTable.name, columns, key: ['sale_id'], rows, groupId: newGroupId() });
      // Locked, since MariaDB shows a row that somebody else has just committed only then.
      return (await lockRoom(tx, saleId)) as RoomRow;
    });
  }

  /** The tickets of these, who join now or have joined before, in the order of `joiners`; undefined for who joins too often. */
  join(joiners: readonly NewJoiner[], groupId: number): Promise<(TicketRow | undefined)[]> {
    return this.db.transaction(async (tx) => {
      const found = new Map<string, TicketRow>();
      // In one order, or two groups wait for each other.
      for (const saleId of [...new Set(joiners.map((one) => one.saleId))].sort()) {
        const mine = joiners.filter((one) => one.saleId === saleId);
        for (const row of await this.joinRoom(tx, saleId, mine, groupId)) found.set(`${saleId}\0${row.userId}`, row);
      }
      return joiners.map(({ saleId, userId }) => found.get(`${saleId}\0${userId}`));
    });
  }

  /** The tickets that these users have; undefined for who has none. */
  joined(joiners: readonly Joiner[]): Promise<(TicketRow | undefined)[]> {
    return this.db.read(async (sql) => {
      const found: (TicketRow | undefined)[] = [];
      for (const { saleId, userId } of joiners) found.push((await liveOf(sql, saleId, [userId]))[0]);
      return found;
    });
  }

  find(ticketHash: string): Promise<TicketRow | undefined> {
    return this.db.read((sql) => selectOne(sql, queueTicketsTable, 'WHERE ticket_hash = ?', [ticketHash]));
  }

  /** What has changed after a change that is known; `after` 0: all who have not ended, and the latest admissions. */
  changes(saleId: string, after: number): Promise<RoomChanges | undefined> {
    return this.db.read(async (sql) => {
      // The room first: what is committed after it comes with a later change, and is read again.
      const room = await selectOne(sql, roomsTable, 'WHERE sale_id = ?', [saleId]);
      if (!room) return undefined;
      const now = await this.time.nowIn(sql);
      if (after > 0 && room.changes === after) return { room, tickets: [], now };
      if (after > 0) {
        const changed = 'WHERE sale_id = ? AND changed > ?';
        return { room, tickets: await select(sql, queueTicketsTable, changed, [saleId, after]), now };
      }
      const tickets = await select(sql, queueTicketsTable, `WHERE sale_id = ? AND status IN ${liveList}`, [saleId]);
      const latest = `WHERE sale_id = ? AND admitted_at > 0 AND ended > 0 ORDER BY admitted_at DESC LIMIT ${maxAdmissions}`;
      return { room, tickets: [...tickets, ...(await select(sql, queueTicketsTable, latest, [saleId]))], now };
    });
  }

  /** The sales for which somebody waits or is admitted. */
  tended(limit: number): Promise<string[]> {
    return this.db.read(async (sql) => {
      const text = `SELECT r.sale_id AS id FROM queue_rooms r WHERE EXISTS (SELECT 1 FROM queue_tickets t
        WHERE t.sale_id = r.sale_id AND t.status IN ${liveList}) ORDER BY r.seq DESC LIMIT ${limit}`;
      return (await sql.rows<{ id: string }>(text)).map(({ id }) => id);
    });
  }

  /** The ticket, admitted if it may be at this instant, and the database's time. */
  admit({ ticketHash, saleId, jti, until }: NewGrant): Promise<{ readonly row: TicketRow; readonly now: number }> {
    return this.db.transaction(async (tx) => {
      const room = (await lockRoom(tx, saleId)) as RoomRow;
      const now = await this.time.nowIn(tx);
      const end = until(now) * 1000;
      const text = `UPDATE queue_tickets SET status = 'admitted', admitted_at = ?, grant_id = ?, grant_until = ?, void_at = ?,
        ready_until = 0, changed = ? WHERE ticket_hash = ? AND status = 'ready' AND ready_until > ?`;
      await tx.run(text, [now, jti, end, end, room.changes, ticketHash, now]);
      return { row: (await findIn(tx, ticketHash)) as TicketRow, now };
    });
  }

  /** Ends the ticket; a grant that it has given is voided next. Answers what it is then. */
  leave({ ticketHash, saleId }: Pick<NewGrant, 'ticketHash' | 'saleId'>): Promise<TicketRow> {
    return this.db.transaction(async (tx) => {
      const room = (await lockRoom(tx, saleId)) as RoomRow;
      const now = await this.time.nowIn(tx);
      const left = `UPDATE queue_tickets SET status = 'left', ended = number, changed = ?
        WHERE ticket_hash = ? AND status IN ('prequeued', 'waiting', 'ready')`;
      await tx.run(left, [room.changes, ticketHash]);
      const early = `UPDATE queue_tickets SET void_at = ?, changed = ?
        WHERE ticket_hash = ? AND status = 'admitted' AND void_at > ?`;
      await tx.run(early, [now, room.changes, ticketHash, now]);
      return (await findIn(tx, ticketHash)) as TicketRow;
    });
  }

  /** Takes in the ends of holds, in the transaction in which they are heard. */
  async ended(tx: Sql, ends: readonly HoldEnd[]): Promise<void> {
    const sorted = [...ends].sort((a, b) => (a.saleId < b.saleId ? -1 : 1));
    for (const { grant, saleId, bought, quantity } of sorted) {
      const room = await lockRoom(tx, saleId);
      if (room) await end(tx, room, grant, { bought, quantity });
    }
  }

  /** Admitted, with grants that have run out or were given back. */
  voidable(limit: number): Promise<TicketRow[]> {
    return this.db.read(async (sql) => {
      const due = `WHERE status = 'admitted' AND void_at > 0 AND void_at <= ? ORDER BY void_at LIMIT ${limit}`;
      return select(sql, queueTicketsTable, due, [await this.time.nowIn(sql)]);
    });
  }

  /** The grants of these tickets buy no more: their places are free, or theirs again where nobody could use them. */
  voided(saleId: string, tickets: readonly TicketRow[], { readyMs, paused }: Voiding): Promise<void> {
    return this.db.transaction(async (tx) => {
      const room = await lockRoom(tx, saleId);
      if (!room) return;
      const now = await this.time.nowIn(tx);
      for (const { grantId } of tickets) {
        const again = `UPDATE queue_tickets SET status = 'ready', ready_until = ?, grant_id = NULL, grant_until = 0, void_at = 0,
          changed = ? WHERE sale_id = ? AND grant_id = ? AND status = 'admitted' AND void_at >= grant_until
          AND (ready_until > 0 OR ? = 1)`;
        const params = [now + readyMs, room.changes, saleId, grantId, paused ? 1 : 0];
        if ((await tx.run(again, params)) === 0) await end(tx, room, grantId ?? '', { bought: false, quantity: 0 });
      }
    });
  }

  /** The grant of this ticket was used: its place is free when the end of the hold is told. */
  async held({ grantId }: TicketRow): Promise<void> {
    await this.db.transaction((tx) =>
      tx.run("UPDATE queue_tickets SET void_at = 0 WHERE grant_id = ? AND status = 'admitted'", [grantId]),
    );
  }

  /** How many there are of each status. */
  async counts(saleId: string): Promise<ReadonlyMap<string, number>> {
    const text = 'SELECT status, COUNT(*) AS n FROM queue_tickets WHERE sale_id = ? GROUP BY status';
    const rows = await this.db.read((sql) => sql.rows<{ status: string; n: number }>(text, [saleId]));
    return new Map(rows.map(({ status, n }) => [status, Number(n)]));
  }

  /** The log of joins, after a number. */
  joins(saleId: string, after: number, limit: number): Promise<TicketRow[]> {
    const rest = `WHERE sale_id = ? AND number > ? ORDER BY number LIMIT ${limit}`;
    return this.db.read((sql) => select(sql, queueTicketsTable, rest, [saleId, after]));
  }

  private async joinRoom(
    tx: Sql,
    saleId: string,
    joiners: readonly NewJoiner[],
    groupId: number,
  ): Promise<readonly TicketRow[]> {
    const room = (await lockRoom(tx, saleId)) as RoomRow;
    const now = await this.time.nowIn(tx);
    const drawAt = joiners[0]?.drawAt;
    const due = isDue(room, drawAt, now);
    if (due) await drawIn(tx, room, now);
    const before = await liveOf(
      tx,
      saleId,
      joiners.map(({ userId }) => userId),
    );
    const known = new Set([...before.map(({ userId }) => userId), ...(await tooOften(tx, saleId, joiners))]);
    const status = drawAt !== undefined && room.drawn === 0 && !due ? 'prequeued' : 'waiting';
    // The log's times do not go back, though a clock may.
    const joinedAt = Math.max(now, room.lastJoinedAt);
    const made: NewTicket[] = [];
    let [number, previous] = [room.lastNumber, room.lastHash];
    for (const { userId, nonce, ticketHash } of joiners) {
      if (known.has(userId)) continue;
      known.add(userId);
      number += 1;
      const hash = chained({ previous, number, ticketHash, joinedAt });
      const log = { saleId, number, userId, nonce, ticketHash, joinedAt, previous, hash };
      const grant = { calledAt: 0, readyUntil: 0, missed: 0, admittedAt: 0, grantUntil: 0, voidAt: 0, ended: 0 };
      const seen = { seenAt: now, presentUntil: now + joinedMs };
      made.push({ ...log, place: number, status, ...seen, ...grant, changed: room.changes });
      previous = hash;
    }
    if (made.length === 0) return before;
    await insertTickets(tx, made, groupId);
    const text = 'UPDATE queue_rooms SET last_number = ?, last_hash = ?, last_joined_at = ? WHERE sale_id = ?';
    await tx.run(text, [number, previous, joinedAt, saleId]);
    return [...before, ...made.map((ticket) => ({ ...ticket, seq: 0, grantId: null, groupId }))];
  }
}

function findIn(sql: Sql, ticketHash: string): Promise<TicketRow | undefined> {
  return selectOne(sql, queueTicketsTable, 'WHERE ticket_hash = ?', [ticketHash]);
}

function liveOf(sql: Sql, saleId: string, userIds: readonly string[]): Promise<TicketRow[]> {
  const users = inList(sql.kind, userIds);
  const rest = `WHERE sale_id = ? AND ended = 0 AND user_id ${users.text}`;
  return select(sql, queueTicketsTable, rest, [saleId, ...users.params]);
}

/** Those of them who have had all tickets that they may have. */
async function tooOften(tx: Sql, saleId: string, joiners: readonly NewJoiner[]): Promise<string[]> {
  const users = inList(
    tx.kind,
    joiners.map(({ userId }) => userId),
  );
  const text = `SELECT user_id AS id FROM queue_tickets WHERE sale_id = ? AND user_id ${users.text}
    GROUP BY user_id HAVING COUNT(*) >= ${maxTickets}`;
  return (await tx.rows<{ id: string }>(text, [saleId, ...users.params])).map(({ id }) => id);
}

/** Ends who was admitted with this grant, once. */
async function end(
  tx: Sql,
  { saleId, changes }: RoomRow,
  grant: string,
  { bought, quantity }: { readonly bought: boolean; readonly quantity: number },
): Promise<void> {
  const status = bought ? "'done'" : "CASE WHEN void_at > 0 AND void_at < grant_until THEN 'left' ELSE 'expired' END";
  const text = `UPDATE queue_tickets SET status = ${status}, ended = number, changed = ?
    WHERE sale_id = ? AND grant_id = ? AND status = 'admitted'`;
  if ((await tx.run(text, [changes, saleId, grant])) === 0) return;
  const counted = `UPDATE queue_rooms SET bought = bought + ?, unsold = unsold + ?, quantity = quantity + ?
    WHERE sale_id = ?`;
  await tx.run(counted, [bought ? 1 : 0, bought ? 0 : 1, bought ? quantity : 0, saleId]);
}
