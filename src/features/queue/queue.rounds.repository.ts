import { Injectable } from '@nestjs/common';
import { inList } from '../../shared/db/bulk';
import type { Database } from '../../shared/db/database';
import { DatabaseTime } from '../../shared/db/database.time';
import { Databases } from '../../shared/db/databases';
import { select } from '../../shared/db/entity';
import type { Sql } from '../../shared/db/sql';
import { drawIn, isDue, lockRoom } from './queue.draw.repository';
import { queueTicketsTable, type RoomRow, type Round, type TicketRow } from './queue.entity';

/** Whoever is near the head is told of to other processes for so long, and again after half of it. */
export const sharedMs = 2000;
// A room that nobody has looked after for longer was not asked by anybody either.
const untendedMs = 10_000;
const maxSeenAtOnce = 1000;

/**
 * What happens in a room by itself: in one transaction, with the room locked, decided at the database's time. Tickets change
 * in groups, so these are plain statements.
 */
@Injectable()
export class QueueRounds {
  private readonly db: Database;

  constructor(
    databases: Databases,
    private readonly time: DatabaseTime,
  ) {
    this.db = databases.of('queue');
  }

  /** Answers who was called by it. */
  run(round: Round): Promise<{ readonly called: readonly TicketRow[]; readonly now: number }> {
    return this.db.transaction(async (tx) => {
      const room = await lockRoom(tx, round.saleId);
      const now = await this.time.nowIn(tx);
      if (!room) return { called: [], now };
      // Of a sale that is over before its draw, what was committed to is shown, too.
      const isDrawn = round.over && round.drawAt !== undefined && room.drawn === 0;
      if (isDrawn || isDue(room, round.drawAt, now)) await drawIn(tx, room, now);
      await saw(tx, round, now);
      await tend(tx, room, now);
      await endSilent(tx, room, round, now);
      if (round.paused) await keep(tx, room, round, now);
      else await lapse(tx, room, now);
      await share(tx, round, now);
      if (round.over) await close(tx, room);
      return { called: await call(tx, room, round, now), now };
    });
  }
}

async function saw(tx: Sql, { saleId, seen }: Round, now: number): Promise<void> {
  for (let from = 0; from < seen.length; from += maxSeenAtOnce) {
    const numbers = inList(tx.kind, seen.slice(from, from + maxSeenAtOnce));
    const text = `UPDATE queue_tickets SET seen_at = ? WHERE sale_id = ? AND number ${numbers.text}`;
    await tx.run(text, [now, saleId, ...numbers.params]);
  }
}

/** While no process ran, nobody could ask or enter: that is no silence of theirs, and no turn that they have missed. */
async function tend(tx: Sql, { saleId, tendedAt, changes }: RoomRow, now: number): Promise<void> {
  const gap = now - tendedAt;
  if (gap > untendedMs) {
    const text = `UPDATE queue_tickets SET seen_at = CASE WHEN seen_at + ? > ? THEN ? ELSE seen_at + ? END
      WHERE sale_id = ? AND status IN ('prequeued', 'waiting')`;
    await tx.run(text, [gap, now, now, gap, saleId]);
    const turns = `UPDATE queue_tickets SET ready_until = ready_until + ?, changed = ?
      WHERE sale_id = ? AND status = 'ready' AND ready_until > ?`;
    await tx.run(turns, [gap, changes, saleId, tendedAt]);
    const grants = `UPDATE queue_tickets SET ready_until = ?, changed = ?
      WHERE sale_id = ? AND status = 'admitted' AND void_at > ? AND void_at <= ?`;
    await tx.run(grants, [now, changes, saleId, tendedAt, now]);
  }
  await tx.run('UPDATE queue_rooms SET tended_at = ? WHERE sale_id = ?', [now, saleId]);
}

/** Who was silent for too long. Rows know of a time that may be a tenth of the silence too old. */
async function endSilent(tx: Sql, room: RoomRow, { silenceMs }: Round, now: number): Promise<void> {
  const text = `UPDATE queue_tickets SET status = 'expired', ended = number, changed = ?
    WHERE sale_id = ? AND status = 'waiting' AND seen_at <= ?`;
  await tx.run(text, [room.changes, room.saleId, now - silenceMs - Math.ceil(silenceMs / 10)]);
}

/** While the sale is paused nobody who was called could buy: half a window is always left. */
async function keep(tx: Sql, { saleId, changes }: RoomRow, { readyMs }: Round, now: number): Promise<void> {
  const text = `UPDATE queue_tickets SET ready_until = ?, changed = ?
    WHERE sale_id = ? AND status = 'ready' AND ready_until <= ?`;
  await tx.run(text, [now + readyMs, changes, saleId, now + readyMs / 2]);
}

/** Those who ask this process are present for the others, too, a little longer than until the next time. */
async function share(tx: Sql, { saleId, here }: Round, now: number): Promise<void> {
  if (here.length === 0) return;
  const numbers = inList(tx.kind, here);
  const text = `UPDATE queue_tickets SET present_until = ? WHERE sale_id = ? AND status = 'waiting' AND number ${numbers.text}`;
  await tx.run(text, [now + sharedMs, saleId, ...numbers.params]);
}

/** Who was called and did not enter waits on at the same number, once; the second time its turn is over. */
async function lapse(tx: Sql, { saleId, changes }: RoomRow, now: number): Promise<void> {
  const missed = "WHERE sale_id = ? AND status = 'ready' AND ready_until <= ?";
  const ends = `UPDATE queue_tickets SET status = 'expired', ended = number, changed = ? ${missed} AND missed > 0`;
  await tx.run(ends, [changes, saleId, now]);
  const back = `UPDATE queue_tickets SET status = 'waiting', missed = missed + 1, ready_until = 0, changed = ? ${missed}`;
  await tx.run(back, [changes, saleId, now]);
}

async function close(tx: Sql, { saleId, changes }: RoomRow): Promise<void> {
  const text = `UPDATE queue_tickets SET status = 'expired', ended = number, changed = ?
    WHERE sale_id = ? AND status IN ('prequeued', 'waiting', 'ready')`;
  await tx.run(text, [changes, saleId]);
}

/** As many of those who are present as places are free, in the order of the line. */
async function call(tx: Sql, room: RoomRow, round: Round, now: number): Promise<readonly TicketRow[]> {
  const { saleId, activePlaces, readyMs, over } = round;
  if (round.call.length === 0 || over) return [];
  const text = "SELECT COUNT(*) AS n FROM queue_tickets WHERE sale_id = ? AND status IN ('ready', 'admitted')";
  const [taken] = await tx.rows<{ n: number }>(text, [saleId]);
  const free = activePlaces - Number(taken?.n);
  if (free <= 0) return [];
  const present = inList(tx.kind, round.call);
  const waiting = `WHERE sale_id = ? AND status = 'waiting' AND (number ${present.text} OR present_until > ?)
    ORDER BY place LIMIT ${Math.min(free, round.call.length)}`;
  const called = await select(tx, queueTicketsTable, waiting, [saleId, ...present.params, now]);
  if (called.length === 0) return [];
  const numbers = inList(
    tx.kind,
    called.map(({ number }) => number),
  );
  const ready = `UPDATE queue_tickets SET status = 'ready', called_at = ?, ready_until = ?, present_until = 0, changed = ?
    WHERE sale_id = ? AND status = 'waiting' AND number ${numbers.text}`;
  await tx.run(ready, [now, now + readyMs, room.changes, saleId, ...numbers.params]);
  return called;
}
