import { Injectable } from '@nestjs/common';
import { ulid } from 'ulid';
import type { DeadLetter } from '../../generated/aerie/events_gateway/v1/events_gateway';
import { Clock } from '../../shared/clock/clock';
import { toTime } from '../../shared/clock/time';
import { insertNew, newGroupId } from '../../shared/db/bulk';
import type { Database, Sql } from '../../shared/db/database';
import { Databases } from '../../shared/db/databases';
import { consumerBits, doneWith } from './events-gateway.consumers';

const columns = {
  id: 'text',
  event_id: 'text',
  consumer: 'text',
  reason: 'text',
  type: 'text',
  player_id: 'text',
  parked_at: 'int',
} as const;
const selected = 'seq, id, event_id, consumer, reason, type, player_id, parked_at';

export interface Parked {
  readonly letter: DeadLetter;
  /** False when it was parked before. */
  readonly fresh: boolean;
}

/** The table `events_dead_letters`, and the bits in `game_events` that go with it. */
@Injectable()
export class DeadLettersRepository {
  private readonly db: Database;

  constructor(
    databases: Databases,
    private readonly clock: Clock,
  ) {
    this.db = databases.of('events-gateway');
  }

  /** Undefined when there is no such event. */
  park(eventId: string, consumer: string, reason: string): Promise<Parked | undefined> {
    return this.db.transaction(async (tx) => {
      const [event] = await tx.rows<{ type: string; player_id: string }>(
        'SELECT type, player_id FROM game_events WHERE id = ?',
        [eventId],
      );
      if (!event) return undefined;
      const row = [
        ulid(this.clock.steady()),
        eventId,
        consumer,
        reason,
        event.type,
        event.player_id,
        this.clock.steady(),
      ];
      const fresh = await insertNew(tx, {
        table: 'events_dead_letters',
        columns,
        key: ['event_id', 'consumer'],
        rows: [row],
        groupId: newGroupId(),
      });
      const bit = consumerBits[consumer] ?? 0;
      await tx.run(`UPDATE game_events SET ${doneWith} WHERE id = ? AND (pending & ?) <> 0`, [bit, bit, eventId, bit]);
      const [letter] = await tx.rows<DeadLetterRow>(
        `SELECT ${selected} FROM events_dead_letters WHERE event_id = ? AND consumer = ?`,
        [eventId, consumer],
      );
      return letter && { letter: toLetter(letter), fresh: fresh.size > 0 };
    });
  }

  /** Dead letters after `after`, oldest first, each with its place in the list. */
  async list(
    consumer: string | undefined,
    after: number,
    limit: number,
  ): Promise<{ seq: number; letter: DeadLetter }[]> {
    const filter = consumer === undefined ? '' : ' AND consumer = ?';
    const params = [after, ...(consumer === undefined ? [] : [consumer]), limit];
    const text = `SELECT ${selected} FROM events_dead_letters WHERE seq > ?${filter} ORDER BY seq LIMIT ?`;
    const rows = await this.db.read((sql) => sql.rows<DeadLetterRow>(text, params));
    return rows.map((row) => ({ seq: row.seq, letter: toLetter(row) }));
  }

  /** Gives the event back to its consumer; undefined when there is no such dead letter. */
  redrive(id: string): Promise<DeadLetter | undefined> {
    return this.db.transaction(async (tx) => {
      const [row] = await tx.rows<DeadLetterRow>(`SELECT ${selected} FROM events_dead_letters WHERE id = ?`, [id]);
      // The delete decides: of two redrives at once one finds no row.
      if (!row || (await tx.run('DELETE FROM events_dead_letters WHERE id = ?', [id])) === 0) return undefined;
      await returnToConsumer(tx, row);
      return toLetter(row);
    });
  }
}

async function returnToConsumer(tx: Sql, row: DeadLetterRow): Promise<void> {
  const bit = consumerBits[row.consumer] ?? 0;
  await tx.run(
    // It was sent before: advisors do not hear of it twice.
    'UPDATE game_events SET pending = pending + ?, send_at = 0, sends = 1 WHERE id = ? AND (pending & ?) = 0',
    [bit, row.event_id, bit],
  );
}

interface DeadLetterRow {
  readonly seq: number;
  readonly id: string;
  readonly event_id: string;
  readonly consumer: string;
  readonly reason: string;
  readonly type: string;
  readonly player_id: string;
  readonly parked_at: number;
}

function toLetter(row: DeadLetterRow): DeadLetter {
  return {
    id: row.id,
    eventId: row.event_id,
    consumer: row.consumer,
    reason: row.reason,
    type: row.type,
    playerId: row.player_id,
    parkedAt: toTime(row.parked_at),
  };
}
