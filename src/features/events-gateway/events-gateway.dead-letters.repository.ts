import { Injectable } from '@nestjs/common';
import { MoreThan } from 'typeorm';
import { ulid } from 'ulid';
import { Clock } from '../../shared/clock/clock';
import { newGroupId } from '../../shared/db/bulk';
import type { Database } from '../../shared/db/database';
import { Databases } from '../../shared/db/databases';
import { isUniqueViolation } from '../../shared/db/db.errors';
import { insertRow, rowsOf } from '../../shared/db/entity';
import { consumerBits, doneWith } from './events-gateway.consumers';
import { type DeadLetterRow, deadLettersTable, gameEventsTable } from './events-gateway.entity';

export interface Parked {
  readonly letter: DeadLetterRow;
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
  async park(eventId: string, consumer: string, reason: string): Promise<Parked | undefined> {
    const parked = (): Promise<DeadLetterRow | null> =>
      this.db.read((sql) => rowsOf(sql, deadLettersTable).findOneBy({ eventId, consumer }));
    const known = await parked();
    if (known) return { letter: known, fresh: false };
    try {
      return await this.insert(eventId, consumer, reason);
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      // Parked by somebody else at the same moment.
      const letter = await parked();
      return letter ? { letter, fresh: false } : undefined;
    }
  }

  private insert(eventId: string, consumer: string, reason: string): Promise<Parked | undefined> {
    const now = this.clock.steady();
    return this.db.transaction(async (tx) => {
      const event = await rowsOf(tx, gameEventsTable).findOne({
        where: { id: eventId },
        select: { type: true, playerId: true },
      });
      if (!event) return undefined;
      const { type, playerId } = event;
      const letter = { id: ulid(now), eventId, consumer, reason, type, playerId, parkedAt: now, groupId: newGroupId() };
      await insertRow(tx, deadLettersTable, letter);
      const bit = consumerBits[consumer] ?? 0;
      await tx.run(`UPDATE game_events SET ${doneWith} WHERE id = ? AND (pending & ?) <> 0`, [bit, bit, eventId, bit]);
      return { letter: { ...letter, seq: 0 }, fresh: true };
    });
  }

  /** Oldest first, after a place in the list. */
  list(consumer: string | undefined, after: number, take: number): Promise<DeadLetterRow[]> {
    const where = { seq: MoreThan(after), ...(consumer === undefined ? {} : { consumer }) };
    return this.db.read((sql) => rowsOf(sql, deadLettersTable).find({ where, order: { seq: 'ASC' }, take }));
  }

  /** Gives the event back to its consumer; undefined when there is no such dead letter. */
  redrive(id: string): Promise<DeadLetterRow | undefined> {
    return this.db.transaction(async (tx) => {
      const letters = rowsOf(tx, deadLettersTable);
      const letter = await letters.findOneBy({ id });
      // The delete decides: of two redrives at once one finds no row.
      if (!letter || (await letters.delete({ id })).affected !== 1) return undefined;
      const bit = consumerBits[letter.consumer] ?? 0;
      await tx.run(
        // It was sent before: advisors do not hear of it twice.
        'UPDATE game_events SET pending = pending + ?, send_at = 0, sends = 1 WHERE id = ? AND (pending & ?) = 0',
        [bit, letter.eventId, bit],
      );
      return letter;
    });
  }
}
