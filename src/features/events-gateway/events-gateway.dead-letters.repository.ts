import { Injectable } from '@nestjs/common';
import { IsNull, MoreThan, Not, type Repository } from 'typeorm';
import { ulid } from 'ulid';
import { Clock } from '../../shared/clock/clock';
import type { Database } from '../../shared/db/database';
import { Databases } from '../../shared/db/databases';
import { isUniqueViolation } from '../../shared/db/db.errors';
import { insertRow, rowsOf } from '../../shared/db/entity';
import type { Sql } from '../../shared/db/sql';
import { type DeadNews, newsKey, redrivenNews } from '../../shared/outbox/dead-news';
import { type DeadLetterRow, deadLettersTable, gameEventsTable } from './events-gateway.entity';
import { EventsGatewayOutbox } from './events-gateway.outbox';

export interface Parked {
  readonly letter: DeadLetterRow;
  /** False when it was parked before. */
  readonly fresh: boolean;
}

/**
 * The table `events_dead_letters`: what a consumer has given up, an event of the log or an announcement of a feature. A letter
 * stays until it was applied after all.
 */
@Injectable()
export class DeadLettersRepository {
  private readonly db: Database;

  constructor(
    databases: Databases,
    private readonly clock: Clock,
    private readonly outbox: EventsGatewayOutbox,
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
        select: { seq: true, type: true, playerId: true },
      });
      if (!event) return undefined;
      const { seq: eventSeq, type, playerId } = event;
      const named = { id: ulid(now), eventId, consumer, reason, type, playerId, parkedAt: now };
      const letter = { ...named, eventSeq, redrivenAt: null, groupId: 0, feature: '', newsKey: '' };
      await insertRow(tx, deadLettersTable, letter);
      return { letter: { ...letter, seq: 0 }, fresh: true };
    });
  }

  /** Oldest first, after a place in the list. */
  list(consumer: string | undefined, after: number, take: number): Promise<DeadLetterRow[]> {
    const where = { seq: MoreThan(after), ...(consumer === undefined ? {} : { consumer }) };
    return this.db.read((sql) => rowsOf(sql, deadLettersTable).find({ where, order: { seq: 'ASC' }, take }));
  }

  /** Has its consumer try it again; undefined when there is no such dead letter. */
  redrive(id: string): Promise<DeadLetterRow | undefined> {
    const redrivenAt = this.clock.steady();
    return this.outbox.transaction(async (tx, announce) => {
      const letters = rowsOf(tx, deadLettersTable);
      const { affected } = await letters.update({ id, redrivenAt: IsNull() }, { redrivenAt });
      const letter = (await letters.findOneBy({ id })) ?? undefined;
      if (letter && letter.feature !== '' && affected === 1) {
        const news = { feature: letter.feature, seq: letter.eventSeq };
        await announce(redrivenNews, newsKey(news), news);
      }
      return letter;
    });
  }

  /**
   * What has become of an announcement that was given up, in the transaction in which that is heard. True when its letter is
   * a new one.
   */
  async newsTold(tx: Sql, { feature, seq, outcome, consumer, topic, key, reason, at }: DeadNews): Promise<boolean> {
    const letters = rowsOf(tx, deadLettersTable);
    const found = { feature, eventSeq: seq, consumer };
    if (outcome === 'applied') {
      await letters.delete(found);
      return false;
    }
    if (await letters.findOneBy(found)) {
      await letters.update(found, { redrivenAt: null, reason });
      return false;
    }
    const named = { id: ulid(at), eventId: newsKey({ feature, seq }), type: topic, playerId: '', newsKey: key };
    await insertRow(tx, deadLettersTable, { ...found, ...named, reason, parkedAt: at, redrivenAt: null, groupId: 0 });
    return true;
  }

  /** The letter of an event goes, if it was redriven; undefined when there is no such dead letter. */
  applied(id: string): Promise<DeadLetterRow | undefined> {
    return this.settle(id, (letters) => letters.delete({ id, feature: '', redrivenAt: Not(IsNull()) }));
  }

  /** The event is given up again, if it was redriven; undefined when there is no such dead letter. */
  failed(id: string, reason: string | undefined): Promise<DeadLetterRow | undefined> {
    const change = { redrivenAt: null, ...(reason !== undefined && { reason }) };
    return this.settle(id, (letters) => letters.update({ id, feature: '', redrivenAt: Not(IsNull()) }, change));
  }

  private settle(id: string, change: (letters: Repository<DeadLetterRow>) => Promise<unknown>) {
    return this.db.transaction(async (tx): Promise<DeadLetterRow | undefined> => {
      const letters = rowsOf(tx, deadLettersTable);
      const letter = await letters.findOneBy({ id, feature: '' });
      await change(letters);
      return letter ?? undefined;
    });
  }
}
