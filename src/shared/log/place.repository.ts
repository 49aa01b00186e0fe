import { inList } from '../db/bulk';
import type { Database } from '../db/database';
import { isUniqueViolation } from '../db/db.errors';
import type { Sql } from '../db/sql';
import { unavailable } from '../errors/common.errors';
import { journalMismatch } from './log.errors';
import { hasPassed, type Numbered, type Place, passing, type Stretch } from './place';

/** `log`: events in the order of the log or ahead of it. `redriven`: events that were given up and are to be tried again. */
export type Source = 'log' | 'redriven';

/** A group that has been passed. */
export interface Passed<Effect> {
  readonly place: Place;
  /** Undefined when all had their effect before. */
  readonly effect: Effect | undefined;
}

interface PlaceRow {
  readonly seq: number;
  readonly event_id: string;
  readonly ahead: string;
  readonly recheck_to: number;
}

/**
 * Where a consumer is in a log, in the tables `<consumer>_place` and `<consumer>_parked` beside its effects: both commit
 * together, so each event has its effect once, whatever is sent twice, late or out of order.
 */
export class PlaceRepository {
  constructor(
    private readonly db: Database,
    private readonly consumer: string,
  ) {}

  /** Undefined before the first `begin`. */
  async find(): Promise<Place | undefined> {
    const row = await this.db.read((sql) => this.row(sql, ''));
    return row && toPlace(row);
  }

  /** Takes the first place, unless it is taken. `recheckTo`: up to this number inbox and parked numbers are asked, too. */
  async begin(place: Place, recheckTo: number, parked: readonly number[]): Promise<void> {
    try {
      await this.db.transaction(async (tx) => {
        const text = `INSERT INTO ${this.consumer}_place (id, seq, event_id, ahead, recheck_to) VALUES (1, ?, ?, '[]', ?)`;
        await tx.run(text, [place.seq, place.id, recheckTo]);
        for (const seq of parked) await tx.run(`INSERT INTO ${this.consumer}_parked (seq) VALUES (?)`, [seq]);
      });
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
    }
  }

  /** True when this consumer has applied events before it kept a place. */
  async hasInbox(): Promise<boolean> {
    return (await this.db.read((sql) => sql.rows(`SELECT seq FROM ${this.consumer}_inbox LIMIT 1`))).length > 0;
  }

  /**
   * Passes events in one transaction with their effect, which gets those that had none yet, each once. The place is locked
   * until the COMMIT, so that processes take turns.
   * @throws AppError journal_mismatch, unavailable; CommitUnknownError: calling again finds out
   */
  pass<Event extends Numbered, Effect>(
    events: readonly Event[],
    source: Source,
    effect: (tx: Sql, fresh: readonly Event[]) => Promise<Effect>,
  ): Promise<Passed<Effect>> {
    return this.db.transaction(
      async (tx) => {
        const { place, recheckTo } = await this.lock(tx);
        for (const { seq, id } of events)
          if (seq === place.seq && id !== place.id) throw journalMismatch(place.seq, place.id);
        const ofLog = source === 'log';
        const fresh = ofLog ? await this.fresh(tx, place, recheckTo, events) : await this.unparked(tx, events);
        const result = fresh.length > 0 ? await effect(tx, fresh) : undefined;
        return { place: ofLog ? await this.write(tx, passing(place, events)) : place, effect: result };
      },
      // A power cut takes effect and place together. A letter, which is settled next, may be in another database.
      { priority: source === 'log' ? 'background' : 'normal' },
    );
  }

  /** Passes an event without its effect, and remembers it for a redrive. The dead letter is there already. */
  async park(event: Numbered): Promise<Place> {
    return this.db.transaction(async (tx) => {
      const { place } = await this.lock(tx);
      if (hasPassed(place, event.seq)) return place;
      await tx.run(`DELETE FROM ${this.consumer}_parked WHERE seq = ?`, [event.seq]);
      await tx.run(`INSERT INTO ${this.consumer}_parked (seq) VALUES (?)`, [event.seq]);
      return this.write(tx, passing(place, [event]));
    });
  }

  private async lock(tx: Sql): Promise<{ readonly place: Place; readonly recheckTo: number }> {
    const row = await this.row(tx, tx.kind === 'sqlite' ? '' : ' FOR UPDATE');
    if (!row) throw unavailable(new Error(`${this.consumer} has no place yet`));
    return { place: toPlace(row), recheckTo: row.recheck_to };
  }

  private async row(sql: Sql, lock: string): Promise<PlaceRow | undefined> {
    const text = `SELECT seq, event_id, ahead, recheck_to FROM ${this.consumer}_place WHERE id = 1${lock}`;
    return (await sql.rows<PlaceRow>(text))[0];
  }

  private async write(tx: Sql, place: Place): Promise<Place> {
    const ahead = JSON.stringify(place.ahead.map(({ after, to, id }) => [after, to, id]));
    const text = `UPDATE ${this.consumer}_place SET seq = ?, event_id = ?, ahead = ? WHERE id = 1`;
    await tx.post(text, [place.seq, place.id, ahead]);
    return place;
  }

  private async fresh<Event extends Numbered>(tx: Sql, place: Place, recheckTo: number, events: readonly Event[]) {
    const seen = new Set<number>();
    const fresh = events.filter(({ seq }) => !hasPassed(place, seq) && !seen.has(seq) && seen.add(seq));
    const old = place.seq < recheckTo ? fresh.filter(({ seq }) => seq <= recheckTo) : [];
    const done = old.length > 0 ? await this.doneBefore(tx, old) : undefined;
    return done ? fresh.filter((event) => !done.has(event)) : fresh;
  }

  /** Those that were parked until this very call: only they have their effect still to come. */
  private async unparked<Event extends Numbered>(tx: Sql, events: readonly Event[]): Promise<Event[]> {
    const fresh: Event[] = [];
    for (const event of events)
      if ((await tx.run(`DELETE FROM ${this.consumer}_parked WHERE seq = ?`, [event.seq])) === 1) fresh.push(event);
    return fresh;
  }

  /** What an earlier version has applied or given up. */
  private async doneBefore<Event extends Numbered>(tx: Sql, events: readonly Event[]): Promise<Set<Event>> {
    const ids = inList(
      tx.kind,
      events.map(({ id }) => id),
    );
    const seqs = inList(
      tx.kind,
      events.map(({ seq }) => seq),
    );
    const applied = await tx.rows<{ event_id: string }>(
      `SELECT event_id FROM ${this.consumer}_inbox WHERE event_id ${ids.text}`,
      ids.params,
    );
    const parked = await tx.rows<{ seq: number }>(
      `SELECT seq FROM ${this.consumer}_parked WHERE seq ${seqs.text}`,
      seqs.params,
    );
    const known = new Set<string | number>([...applied.map((row) => row.event_id), ...parked.map((row) => row.seq)]);
    return new Set(events.filter(({ id, seq }) => known.has(id) || known.has(seq)));
  }
}

function toPlace({ seq, event_id, ahead }: PlaceRow): Place {
  const stretches = JSON.parse(ahead) as [number, number, string][];
  return { seq, id: event_id, ahead: stretches.map(([after, to, id]): Stretch => ({ after, to, id })) };
}
