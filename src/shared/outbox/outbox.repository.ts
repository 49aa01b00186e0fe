import { inList } from '../db/bulk';
import type { Database } from '../db/database';
import type { Sql } from '../db/sql';
import type { Handled } from './news';
import { outboxTable } from './outbox.entity';

/** A row of an outbox, as it is sent. */
export interface Waiting {
  readonly seq: number;
  readonly consumer: string;
  readonly topic: string;
  readonly key: string;
  readonly afterSeq: number;
  readonly createdAt: number;
  readonly redriven: number;
  /** See writeTrace; empty: it is not recorded. */
  readonly trace: string;
  readonly body: unknown;
}

/** An announcement that its consumer has given up. */
export interface ParkedNews {
  readonly seq: number;
  readonly consumer: string;
  readonly topic: string;
  readonly key: string;
  readonly reason: string;
  readonly createdAt: number;
  readonly parkedAt: number;
  readonly body: unknown;
}

/** What was given up, at first or again, or applied after it was. */
export interface Settled {
  readonly seq: number;
  readonly consumer: string;
  readonly key: string;
  readonly outcome: 'parked' | 'applied';
  readonly reason: string;
}

export interface Announced {
  readonly consumers: readonly string[];
  readonly topic: string;
  /** Announcements of one key reach each consumer in their order. */
  readonly key: string;
  readonly trace: string;
  readonly body: unknown;
}

interface Row {
  readonly seq: number;
  readonly consumer: string;
  readonly topic: string;
  readonly message_key: string;
  readonly after_seq: number;
  readonly tries: number;
  readonly created_at: number;
  readonly redriven: number;
  readonly trace: string;
  readonly body: string;
}

const firstAgainMs = 500;
const lastAgainMs = 30_000;
// Further ahead nothing is ever put off: a clock was wrong.
const absurdMs = 10 * 60_000;

/**
 * The table `<feature>_outbox`, by statements: rows are read, put off and removed in groups. Numbers commit in the order of
 * their key as long as whoever announces about a key holds that key's row until the COMMIT, which changing it does.
 */
export class OutboxRepository {
  private readonly table: string;

  constructor(
    private readonly db: Database,
    feature: string,
  ) {
    this.table = outboxTable(feature);
  }

  /** Runs `work` in one transaction of the database that the outbox is in. */
  transaction<T>(work: (tx: Sql) => Promise<T>): Promise<T> {
    return this.db.transaction(work);
  }

  /** One row for each consumer, in the transaction of what is announced. */
  async append(tx: Sql, { consumers, topic, key, trace, body }: Announced, now: number): Promise<void> {
    const text = JSON.stringify(body);
    for (const consumer of consumers) {
      const last = `SELECT MAX(seq) AS seq FROM ${this.table} WHERE consumer = ? AND message_key = ?`;
      const [before] = await tx.rows<{ seq: number | null }>(last, [consumer, key]);
      await tx.run(
        `INSERT INTO ${this.table}
         (consumer, topic, message_key, after_seq, body, created_at, next_at, tries, parked_at, reason, redriven, trace)
         VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, '', 0, ?)`,
        [consumer, topic, key, before?.seq ?? 0, text, now, now, trace],
      );
    }
  }

  /** What is to be sent now, in order; it is put off by that, each time for twice as long. */
  async take(now: number, limit: number): Promise<Waiting[]> {
    const due = `parked_at = 0 AND (next_at <= ? OR next_at > ?)`;
    const times = [now, now + absurdMs];
    // Most looks find nothing: they are not to wait for whoever writes.
    const first = `SELECT seq FROM ${this.table} WHERE ${due} LIMIT 1`;
    if ((await this.db.read((sql) => sql.rows(first, times))).length === 0) return [];
    return this.db.transaction(async (tx) => {
      const rows = await tx.rows<Row>(
        `SELECT seq, consumer, topic, message_key, after_seq, tries, created_at, redriven, trace, body
         FROM ${this.table} WHERE ${due} ORDER BY seq LIMIT ${limit}`,
        times,
      );
      for (const [tries, seqs] of byTries(rows)) {
        const list = inList(tx.kind, seqs);
        const next = now + Math.min(lastAgainMs, firstAgainMs * 2 ** Math.min(tries, 10));
        const text = `UPDATE ${this.table} SET next_at = ?, tries = tries + 1 WHERE seq ${list.text} AND parked_at = 0`;
        await tx.run(text, [next, ...list.params]);
      }
      const there = await this.which(
        tx,
        rows.map(({ after_seq }) => after_seq),
      );
      return rows.map((row) => toWaiting(row, there.has(row.after_seq) ? row.after_seq : 0));
    });
  }

  /** For each consumer and topic since when something waits. What was given up does not count. */
  async waitingSince(): Promise<ReadonlyMap<string, number>> {
    const rows = await this.db.read((sql) =>
      sql.rows<{ consumer: string; topic: string; since: number }>(
        `SELECT consumer, topic, MIN(created_at) AS since FROM ${this.table} WHERE parked_at = 0 GROUP BY consumer, topic`,
      ),
    );
    return new Map(rows.map(({ consumer, topic, since }) => [`${consumer} ${topic}`, since]));
  }

  /**
   * Removes what was applied and keeps what was given up; what had to wait for it is due now. `tell` is called in the same
   * transaction. Answers how many are due, those that it announces included.
   */
  async settle(
    topic: string,
    all: readonly Handled[],
    now: number,
    tell: (tx: Sql, dead: readonly Settled[]) => Promise<void>,
  ): Promise<number> {
    if (all.length === 0) return 0;
    return this.db.transaction(async (tx) => {
      const applied = await this.applied(tx, topic, all);
      const parked = await this.parkAll(tx, topic, all, now);
      const dead = [...applied, ...parked];
      if (dead.length > 0) await tell(tx, dead);
      const list = inList(
        tx.kind,
        all.map(({ seq }) => seq),
      );
      const text = `UPDATE ${this.table} SET next_at = ?, tries = 0 WHERE after_seq ${list.text} AND parked_at = 0 AND tries > 0`;
      return dead.length + (await tx.run(text, [now, ...list.params]));
    });
  }

  /** Answers those that were given up before. */
  private async applied(tx: Sql, topic: string, all: readonly Handled[]): Promise<Settled[]> {
    const found: Settled[] = [];
    for (const [consumer, seqs] of byConsumer(all.filter(({ parked }) => parked === undefined))) {
      const list = inList(tx.kind, seqs);
      const where = `WHERE consumer = ? AND topic = ? AND seq ${list.text}`;
      const params = [consumer, topic, ...list.params];
      if (all.some(({ redriven }) => redriven > 0)) {
        const text = `SELECT seq, message_key AS "key" FROM ${this.table} ${where} AND redriven > 0`;
        const again = await tx.rows<Pick<Settled, 'seq' | 'key'>>(text, params);
        found.push(...again.map((row) => ({ ...row, consumer, outcome: 'applied' as const, reason: '' })));
      }
      await tx.run(`DELETE FROM ${this.table} ${where}`, params);
    }
    return found;
  }

  private async parkAll(tx: Sql, topic: string, all: readonly Handled[], now: number): Promise<Settled[]> {
    const found: Settled[] = [];
    const where = 'consumer = ? AND topic = ? AND seq = ? AND redriven = ? AND parked_at = 0';
    for (const { consumer, seq, redriven, parked: reason } of all) {
      if (reason === undefined) continue;
      const text = `UPDATE ${this.table} SET parked_at = ?, reason = ? WHERE ${where}`;
      if ((await tx.run(text, [now, reason, consumer, topic, seq, redriven])) === 0) continue;
      const [row] = await tx.rows<{ key: string }>(`SELECT message_key AS "key" FROM ${this.table} WHERE seq = ?`, [
        seq,
      ]);
      found.push({ seq, consumer, key: row?.key ?? '', outcome: 'parked', reason });
    }
    return found;
  }

  /** What consumers have given up, behind a number. */
  async parked(afterSeq: number, limit: number): Promise<ParkedNews[]> {
    const rows = await this.db.read((sql) =>
      sql.rows<Row & { reason: string; created_at: number; parked_at: number }>(
        `SELECT seq, consumer, topic, message_key, reason, created_at, parked_at, body FROM ${this.table}
         WHERE parked_at > 0 AND seq > ? ORDER BY seq LIMIT ${limit}`,
        [afterSeq],
      ),
    );
    return rows.map(({ seq, consumer, topic, message_key: key, reason, created_at, parked_at, body }) => ({
      ...{ seq, consumer, topic, key, reason, createdAt: created_at, parkedAt: parked_at },
      body: JSON.parse(body) as unknown,
    }));
  }

  /** Has what was given up sent again; nothing when there is no such row. */
  async redrive(tx: Sql, seq: number, now: number): Promise<void> {
    const text = `UPDATE ${this.table} SET parked_at = 0, redriven = redriven + 1, next_at = ?, tries = 0 WHERE seq = ? AND parked_at > 0`;
    await tx.run(text, [now, seq]);
  }

  /** Those of the numbers that are still in the outbox: the others need not be waited for. */
  private async which(tx: Sql, seqs: readonly number[]): Promise<Set<number>> {
    const asked = seqs.filter((seq) => seq > 0);
    if (asked.length === 0) return new Set();
    const list = inList(tx.kind, asked);
    const rows = await tx.rows<{ seq: number }>(`SELECT seq FROM ${this.table} WHERE seq ${list.text}`, list.params);
    return new Set(rows.map(({ seq }) => seq));
  }

  /** Of each consumer how many wait, since when the oldest does, and how many it has given up. */
  counts(): Promise<{ consumer: string; waiting: number; since: number; parked: number }[]> {
    return this.db.read((sql) =>
      sql.rows(
        `SELECT consumer, SUM(CASE WHEN parked_at = 0 THEN 1 ELSE 0 END) AS waiting,
         MIN(CASE WHEN parked_at = 0 THEN created_at ELSE ${Number.MAX_SAFE_INTEGER} END) AS since,
         SUM(CASE WHEN parked_at > 0 THEN 1 ELSE 0 END) AS parked FROM ${this.table} GROUP BY consumer`,
      ),
    );
  }
}

function toWaiting(row: Row, afterSeq: number): Waiting {
  const { seq, consumer, topic, message_key: key, created_at: createdAt, redriven, trace, body } = row;
  return { seq, consumer, topic, key, afterSeq, createdAt, redriven, trace, body: JSON.parse(body) };
}

function byTries(rows: readonly Row[]): Map<number, number[]> {
  const found = new Map<number, number[]>();
  for (const { tries, seq } of rows) found.set(tries, [...(found.get(tries) ?? []), seq]);
  return found;
}

function byConsumer(all: readonly Handled[]): Map<string, number[]> {
  const found = new Map<string, number[]>();
  for (const { consumer, seq } of all) found.set(consumer, [...(found.get(consumer) ?? []), seq]);
  return found;
}
