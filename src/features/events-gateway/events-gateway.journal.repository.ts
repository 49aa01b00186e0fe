import { Injectable } from '@nestjs/common';
import { Clock } from '../../shared/clock/clock';
import { inList, insertNew, newGroupId } from '../../shared/db/bulk';
import type { Database, Sql } from '../../shared/db/database';
import { Databases } from '../../shared/db/databases';
import { consumerBits, doneWith, everyConsumer, neverDue, pendingWith } from './events-gateway.consumers';
import { type GameEvent, subjectOf, type UnreadableEvent } from './events-gateway.event';
import { EventsGatewaySettings } from './events-gateway.settings';

const columns = {
  id: 'text',
  type: 'text',
  player_id: 'text',
  occurred_at: 'int',
  accepted_at: 'int',
  payload: 'text',
  points: 'int',
  trace_id: 'text',
  pending: 'int',
  send_at: 'int',
  sends: 'int',
  claim_id: 'int',
} as const;
const eventColumns = 'id, type, player_id, occurred_at, accepted_at, payload, points, trace_id';
const maxBackoff = 20;

/** The result of an insert: ids that are new, and the events that were there before under the other ids. */
export interface Inserted {
  readonly inserted: ReadonlySet<string>;
  readonly present: ReadonlyMap<string, GameEvent>;
}

/** An event with the consumers (bits) that have not confirmed it. */
export interface PendingEvent {
  readonly event: GameEvent;
  readonly pending: number;
  /** Nobody was sent it before. */
  readonly first: boolean;
}

/** Claimed rows: of `due` rows, those that can be read and those that cannot. */
export interface Claimed {
  readonly due: number;
  readonly events: readonly PendingEvent[];
  readonly unreadable: readonly UnreadableEvent[];
}

/** The table `game_events`. */
@Injectable()
export class JournalRepository {
  private readonly db: Database;

  constructor(
    databases: Databases,
    private readonly clock: Clock,
    private readonly settings: EventsGatewaySettings,
  ) {
    this.db = databases.of('events-gateway');
  }

  /** One transaction. `direct`: the caller sends the events itself, so they are due only if nobody confirms. */
  insert(events: readonly GameEvent[], groupId: number, direct: boolean): Promise<Inserted> {
    const sendAt = direct ? this.clock.steady() + this.settings.relayResendMs : 0;
    const rows = events.map((event) => toRow(event, sendAt, direct ? 1 : 0));
    return this.db.transaction(async (tx) => {
      const inserted = await insertNew(tx, { table: 'game_events', columns, key: ['id'], rows, groupId });
      const others = events.filter((event) => !inserted.has(event.id)).map((event) => event.id);
      return { inserted, present: await select(tx, others) };
    });
  }

  /** The events that are in the journal under these ids. */
  known(ids: readonly string[]): Promise<ReadonlyMap<string, GameEvent>> {
    return this.db.read((sql) => select(sql, ids));
  }

  /** Does all that recording does and rolls it back. */
  async rehearse(events: readonly GameEvent[]): Promise<void> {
    const rehearsed = new Error('rolled back on purpose');
    try {
      await this.known(events.map((event) => event.id));
      await this.db.transaction(async (tx) => {
        const rows = events.map((event) => toRow(event, 0, 0));
        await insertNew(tx, { table: 'game_events', columns, key: ['id'], rows, groupId: 0 });
        throw rehearsed;
      });
    } catch (error) {
      if (error !== rehearsed) throw error;
    }
  }

  /** Which of these ids are in the journal, and which of them by the group `groupId`. */
  find(ids: readonly string[], groupId: number): Promise<Inserted> {
    return this.db.read(async (sql) => {
      const present = new Map<string, GameEvent>();
      const inserted = new Set<string>();
      const list = inList(ids);
      const rows = await sql.rows<EventRow & { group_id: number }>(
        `SELECT ${eventColumns}, group_id FROM game_events WHERE id IN ${list.text}`,
        list.params,
      );
      for (const row of rows) {
        if (row.group_id === groupId) inserted.add(row.id);
        else present.set(row.id, toEvent(row));
      }
      return { inserted, present };
    });
  }

  /**
   * Takes up to `limit` due events for sending, oldest first. Another gateway cannot take the same ones now. Rows that
   * cannot be read are taken, too, so that they hide no others.
   */
  claimDue(limit: number, reachable: number): Promise<Claimed> {
    const now = this.clock.steady();
    const claim = newGroupId();
    return this.db.transaction(
      async (tx) => {
        const due = await tx.rows<{ seq: number }>(
          'SELECT seq FROM game_events WHERE pending <> 0 AND send_at <= ? AND (pending & ?) <> 0 ORDER BY send_at, seq LIMIT ?',
          [now, reachable, limit],
        );
        if (due.length === 0) return { due: 0, events: [], unreadable: [] };
        const list = inList(due.map((row) => row.seq).sort((a, b) => a - b));
        // The condition is checked again under the row's lock: who comes second claims nothing.
        await tx.run(
          `UPDATE game_events SET send_at = ? + ? * CASE WHEN sends < ${maxBackoff} THEN sends + 1 ELSE ${maxBackoff} END,
           sends = sends + 1, claim_id = ? WHERE seq IN ${list.text} AND pending <> 0 AND send_at <= ?`,
          [now, this.settings.relayResendMs, claim, ...list.params, now],
        );
        const rows = await tx.rows<PendingRow>(
          `SELECT ${eventColumns}, pending, sends FROM game_events WHERE seq IN ${list.text} AND claim_id = ? ORDER BY seq`,
          [...list.params, claim],
        );
        return { due: due.length, ...readable(rows) };
      },
      { priority: 'background' },
    );
  }

  /** Makes every pending event due now: for a bus that forgot what it held. */
  async makeDue(): Promise<void> {
    await this.db.transaction((tx) =>
      tx.run(`UPDATE game_events SET send_at = 0 WHERE pending <> 0 AND send_at > 0 AND send_at < ${neverDue}`),
    );
  }

  /** How many of these were pending for this consumer until now. */
  confirm(consumer: string, ids: readonly string[]): Promise<number> {
    const bit = consumerBits[consumer] ?? 0;
    const list = inList([...new Set(ids)].sort());
    return this.db.transaction(
      (tx) =>
        tx.run(`UPDATE game_events SET ${doneWith} WHERE id IN ${list.text} AND (pending & ?) <> 0`, [
          bit,
          bit,
          ...list.params,
          bit,
        ]),
      { priority: 'background' },
    );
  }

  /** When the event was accepted that is due longest; undefined when none is due. */
  async oldestDue(): Promise<number | undefined> {
    const rows = await this.db.read((sql) =>
      sql.rows<{ accepted_at: number }>(
        `SELECT accepted_at FROM game_events WHERE pending <> 0 AND send_at < ${neverDue} ORDER BY send_at, seq LIMIT 1`,
      ),
    );
    return rows[0]?.accepted_at;
  }

  /**
   * Pending events of one consumer, counted up to `limit`: at most `limit` rows for each value of `pending` are read, oldest
   * first, however many there are. Times are the earliest of all pending events; where not all were read, `occurredAt` is
   * the earliest that it can be of those that were not, since an event is accepted `maxAgeMs` after it occurred at most.
   */
  async pendingOf(consumer: string, limit: number, maxAgeMs: number): Promise<Pending> {
    const { text, params } = oldestPending(consumer, limit);
    const rows = await this.db.read((sql) => sql.rows<OldestRow>(text, params));
    const some = rows.filter((row): row is Counted => row.oldest !== null);
    if (some.length === 0) return { count: 0 };
    const earliest = some.map((row) => {
      const whole = Number(row.count) < limit;
      return whole ? row.occurred_at : Math.min(row.occurred_at, row.newest - maxAgeMs);
    });
    return {
      count: Math.min(
        limit,
        some.reduce((sum, row) => sum + Number(row.count), 0),
      ),
      occurredAt: Math.min(...earliest),
      acceptedAt: Math.min(...some.map((row) => row.oldest)),
    };
  }
}

/** Times are absent when nothing is pending. */
export interface Pending {
  readonly count: number;
  readonly occurredAt?: number;
  readonly acceptedAt?: number;
}

interface Counted {
  readonly count: number;
  readonly oldest: number;
  readonly newest: number;
  readonly occurred_at: number;
}
type OldestRow = Counted | { readonly count: number; readonly oldest: null };

/**
 * One row for each value of `pending` that a consumer waits in; one statement, so that no event slips from one into another
 * unseen. `pending <> 0` says nothing new: by it the databases know that the index, which has only such rows, will do.
 */
export function oldestPending(consumer: string, limit: number): { text: string; params: number[] } {
  const masks = pendingWith(consumer);
  const one = (mask: number) => `SELECT COUNT(*) AS count, MIN(accepted_at) AS oldest, MAX(accepted_at) AS newest,
    MIN(occurred_at) AS occurred_at FROM (SELECT accepted_at, occurred_at FROM game_events
    WHERE pending <> 0 AND pending = ? ORDER BY accepted_at LIMIT ?) AS with_${mask}`;
  return { text: masks.map(one).join(' UNION ALL '), params: masks.flatMap((mask) => [mask, limit]) };
}

type PendingRow = EventRow & { readonly pending: number; readonly sends: number };

function readable(rows: readonly PendingRow[]): Omit<Claimed, 'due'> {
  const events: PendingEvent[] = [];
  const unreadable: UnreadableEvent[] = [];
  for (const row of rows) {
    try {
      events.push({ event: toEvent(row), pending: row.pending, first: row.sends === 1 });
    } catch (error) {
      unreadable.push({ id: row.id, error });
    }
  }
  return { events, unreadable };
}

interface EventRow {
  readonly id: string;
  readonly type: string;
  readonly player_id: string;
  readonly occurred_at: number;
  readonly accepted_at: number;
  readonly payload: string;
  readonly points: number;
  readonly trace_id: string;
}

function toRow(event: GameEvent, sendAt: number, sends: number): (string | number)[] {
  const { id, type, playerId, occurredAt, acceptedAt, payload, points, traceId } = event;
  return [id, type, playerId, occurredAt, acceptedAt, payload, points, traceId, everyConsumer, sendAt, sends, 0];
}

function toEvent(row: EventRow): GameEvent {
  return {
    id: row.id,
    type: row.type,
    playerId: row.player_id,
    occurredAt: row.occurred_at,
    acceptedAt: row.accepted_at,
    payload: row.payload,
    points: row.points,
    traceId: row.trace_id,
    ...subjectOf(JSON.parse(row.payload) as { bossId?: string; dropId?: string }),
  };
}

async function select(sql: Sql, ids: readonly string[]): Promise<Map<string, GameEvent>> {
  if (ids.length === 0) return new Map();
  const list = inList(ids);
  const rows = await sql.rows<EventRow>(
    `SELECT ${eventColumns} FROM game_events WHERE id IN ${list.text}`,
    list.params,
  );
  return new Map(rows.map((row) => [row.id, toEvent(row)]));
}
