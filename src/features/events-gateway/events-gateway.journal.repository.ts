import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { AcceptedEvent, ConsumerStart } from '../../generated/aerie/events_gateway/v1/events_gateway';
import { inList } from '../../shared/db/bulk';
import type { Database, Sql } from '../../shared/db/database';
import { Databases } from '../../shared/db/databases';
import { rowsOf } from '../../shared/db/entity';
import type { LogRows } from '../../shared/db/sql';
import { journalMismatch } from '../../shared/log/log.errors';
import { readTrace, writeTrace } from '../../shared/tracing/trace';
import { startsTable } from './events-gateway.entity';
import { type GameEvent, subjectOf, toAcceptedEvent } from './events-gateway.event';

const columns = {
  id: 'text',
  type: 'text',
  player_id: 'text',
  occurred_at: 'int',
  accepted_at: 'int',
  payload: 'text',
  points: 'int',
  trace_id: 'text',
} as const;
const eventColumns = Object.keys(columns)
  .map((name) => `e.${name}`)
  .join(', ');

// Answers of a few hundred events each; who comes later than that reads for itself.
const maxKept = 8;
const keptMs = 5000;

/** The end of the log. */
export interface Head {
  readonly seq: number;
  readonly acceptedAt: number;
}

/** An event that was redriven, and the id of its dead letter. */
export interface RedrivenRow {
  readonly letterId: string;
  readonly event: AcceptedEvent;
}

/**
 * The log of accepted events, `game_events`, in the order of their COMMITs: whoever has read up to a number has all below
 * it. On servers a group takes its numbers from the one row of `events_log`, which it holds until its COMMIT.
 */
@Injectable()
export class JournalRepository {
  private readonly db: Database;
  // Consumers that catch up ask for the same events one after another. The log only grows: a full answer stays the same.
  private readonly lastRead = new LRUCache<string, readonly AcceptedEvent[]>({ max: maxKept, ttl: keptMs });

  constructor(databases: Databases) {
    this.db = databases.of('events-gateway');
  }

  /**
   * Puts events with new ids at the end, all or none; answers the number before the first one's.
   * @throws the driver's unique violation when an id is there; CommitUnknownError; AppError unavailable
   */
  append(events: readonly GameEvent[]): Promise<number> {
    return this.db.append(toRows(events));
  }

  /** The events that are in the journal under these ids. */
  known(ids: readonly string[]): Promise<ReadonlyMap<string, GameEvent>> {
    return this.db.read((sql) => find(sql, ids));
  }

  /** As `known`, once every append that has begun by now has ended. */
  knownForSure(ids: readonly string[]): Promise<ReadonlyMap<string, GameEvent>> {
    return this.db.transaction(async (tx) => {
      if (tx.kind !== 'sqlite') await tx.rows('SELECT last_seq FROM events_log WHERE id = 1 FOR UPDATE');
      return find(tx, ids);
    });
  }

  /** Does what recording does, as far as it can be undone without holding up others. */
  async rehearse(events: readonly GameEvent[]): Promise<void> {
    await this.known(events.map((event) => event.id));
    if (this.db.embedded) await this.db.rehearse(toRows(events));
  }

  /**
   * Up to `limit` events behind the number `seq`, in order. With an id, only if that is the event at `seq`.
   * @throws AppError journal_mismatch
   */
  async read(seq: number, id: string | undefined, limit: number): Promise<readonly AcceptedEvent[]> {
    const key = JSON.stringify([seq, limit, id]);
    const known = this.lastRead.get(key);
    if (known) return known;
    const text = `SELECT e.seq, ${eventColumns} FROM game_events AS e WHERE e.seq >= ? ORDER BY e.seq LIMIT ?`;
    const rows = await this.db.read((sql) => sql.rows<EventRow>(text, [Math.max(1, seq), limit + 1]));
    const [first] = rows;
    if (id !== undefined && (first?.seq !== seq || first.id !== id)) throw journalMismatch(seq, id);
    const behind = (first?.seq === seq ? rows.slice(1) : rows.slice(0, limit)).map(readable);
    if (behind.length === limit) this.lastRead.set(key, behind);
    return behind;
  }

  /** Up to `limit` events that this consumer is to try again, oldest letter first. */
  async redriven(consumer: string, limit: number): Promise<RedrivenRow[]> {
    const text = `SELECT l.id AS letter_id, e.seq, ${eventColumns} FROM events_dead_letters AS l
      JOIN game_events AS e ON e.seq = l.event_seq 
      WHERE l.consumer = ? AND l.feature = '' AND l.redriven_at > 0 ORDER BY l.seq LIMIT ?`;
    const rows = await this.db.read((sql) => sql.rows<EventRow & { letter_id: string }>(text, [consumer, limit]));
    return rows.map(({ letter_id, ...row }) => ({ letterId: letter_id, event: readable(row) }));
  }

  /** Undefined while there is no event. */
  async head(): Promise<Head | undefined> {
    const text = 'SELECT seq, accepted_at AS "acceptedAt" FROM game_events ORDER BY seq DESC LIMIT 1';
    return (await this.db.read((sql) => sql.rows<Head>(text)))[0];
  }

  /** Where this consumer stood when events were still confirmed one by one; the beginning, if it was not there then. */
  async start(consumer: string): Promise<ConsumerStart> {
    const start = await this.db.read((sql) => rowsOf(sql, startsTable).findOneBy({ consumer }));
    const { afterSeq = 0, afterId = '', inboxUpTo = 0 } = start ?? {};
    return { afterSeq, afterId, inboxUpTo };
  }
}

interface EventRow {
  readonly seq: number;
  readonly id: string;
  readonly type: string;
  readonly player_id: string;
  readonly occurred_at: number;
  readonly accepted_at: number;
  readonly payload: string;
  readonly points: number;
  readonly trace_id: string;
}

function toRows(events: readonly GameEvent[]): LogRows {
  const rows = events.map(({ id, type, playerId, occurredAt, acceptedAt, payload, points, traceId, spanId }) => [
    id,
    type,
    playerId,
    occurredAt,
    acceptedAt,
    payload,
    points,
    writeTrace({ traceId, spanId }),
  ]);
  return { table: 'game_events', counter: 'events_log', columns, rows };
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
    ...readTrace(row.trace_id),
  };
}

/** A payload that cannot be read keeps nobody from the events behind it. */
function readable(row: EventRow): AcceptedEvent {
  const event = toEvent(row);
  try {
    return toAcceptedEvent(event, row.seq, subjectOf(JSON.parse(row.payload) as object));
  } catch (error) {
    const fault = `The journal's row ${row.seq} cannot be read: ${(error as Error).message}`;
    return { ...toAcceptedEvent({ ...event, occurredAt: 0, acceptedAt: 0 }, row.seq, {}), fault };
  }
}

async function find(sql: Sql, ids: readonly string[]): Promise<Map<string, GameEvent>> {
  if (ids.length === 0) return new Map();
  const list = inList(sql.kind, ids);
  const text = `SELECT e.seq, ${eventColumns} FROM game_events AS e WHERE e.id ${list.text}`;
  const rows = await sql.rows<EventRow>(text, list.params);
  return new Map(rows.map((row) => [row.id, toEvent(row)]));
}
