import { inList, insertNew, newGroupId } from '../db/bulk';
import type { Database } from '../db/database';
import type { Sql } from '../db/sql';
import type { Handled, Sent } from './news';
import { inboxTable } from './outbox.entity';

/** What came of an announcement. */
export type Received = Omit<Handled, 'consumer' | 'from'>;

// A copy that is older is not taken: it will be sent again. So long, and longer, a number is remembered.
const staleMs = 24 * 3_600_000;
const rememberMs = 48 * 3_600_000;

/**
 * The table `<consumer>_inbox`: which announcements were handled, by the outbox and topic that they come from, which is what
 * `topic` names. A number is written in the transaction of its effect, so that each has its effect once, however often it
 * comes; it is forgotten two days later, when its outbox has forgotten it, too.
 */
export class InboxRepository {
  private readonly table: string;

  constructor(
    private readonly db: Database,
    consumer: string,
  ) {
    this.table = inboxTable(consumer);
  }

  /**
   * Applies, in one transaction, those of a topic that are new and whose turn it is, and answers what came of these and of
   * those that were handled before; the others are left for later. `effect` gets them in order.
   */
  receive<Body>(
    topic: string,
    all: readonly Sent<Body>[],
    now: number,
    effect: (tx: Sql, sent: readonly Sent<Body>[]) => Promise<void>,
  ): Promise<Received[]> {
    const current = all.filter(({ sentAt }) => sentAt >= now - staleMs);
    return this.db.transaction(async (tx) => {
      const ready = await this.inTurn(tx, topic, current);
      const fresh = await this.take(tx, topic, ready, now);
      if (fresh.length > 0) await effect(tx, fresh);
      return this.becameOf(tx, topic, ready);
    });
  }

  /** Passes an announcement without its effect. Answers what came of it: it may have had its effect meanwhile. */
  park(topic: string, sent: Sent<unknown>, reason: string, now: number): Promise<Received[]> {
    const { seq, createdAt, redriven } = sent;
    return this.db.transaction(async (tx) => {
      await insertNew(tx, this.bulk([[topic, seq, createdAt, now, reason, redriven]]));
      const again = "topic = ? AND seq = ? AND parked <> '' AND redriven < ?";
      const text = `UPDATE ${this.table} SET parked = ?, redriven = ?, handled_at = ? WHERE ${again}`;
      await tx.run(text, [reason, redriven, now, topic, seq, redriven]);
      return this.becameOf(tx, topic, [sent]);
    });
  }

  /** Forgets up to `limit` numbers of a topic that will not come again, and answers how many. */
  prune(topic: string, floor: number, now: number, limit: number): Promise<number> {
    return this.db.transaction(
      async (tx) => {
        const text = `SELECT id FROM ${this.table} WHERE topic = ? AND handled_at < ? AND created_at < ? AND parked = '' LIMIT ${limit}`;
        const rows = await tx.rows<{ id: number }>(text, [topic, now - rememberMs, floor]);
        if (rows.length === 0) return 0;
        const list = inList(
          tx.kind,
          rows.map(({ id }) => id),
        );
        return tx.run(`DELETE FROM ${this.table} WHERE id ${list.text}`, list.params);
      },
      { priority: 'background' },
    );
  }

  /** Those before which there is none to wait for, or only such as were handled, or are among them. */
  private async inTurn<Body>(tx: Sql, topic: string, all: readonly Sent<Body>[]): Promise<Sent<Body>[]> {
    const sorted = [...all].sort((a, b) => a.seq - b.seq);
    const before = sorted.flatMap(({ afterSeq }) => (afterSeq > 0 ? [afterSeq] : []));
    const done = new Set<number>();
    if (before.length > 0) {
      const list = inList(tx.kind, before);
      const text = `SELECT seq FROM ${this.table} WHERE topic = ? AND seq ${list.text}`;
      for (const { seq } of await tx.rows<{ seq: number }>(text, [topic, ...list.params])) done.add(seq);
    }
    return sorted.filter(({ seq, afterSeq, redriven }) => {
      const isTurn = redriven > 0 || afterSeq === 0 || done.has(afterSeq);
      if (isTurn) done.add(seq);
      return isTurn;
    });
  }

  /** Those that nobody has handled: their numbers are taken by this. */
  private async take<Body>(tx: Sql, topic: string, ready: readonly Sent<Body>[], now: number): Promise<Sent<Body>[]> {
    const rows = ready.flatMap(({ seq, createdAt, redriven }) =>
      redriven > 0 ? [] : [[topic, seq, createdAt, now, '', 0]],
    );
    const taken = await insertNew(tx, this.bulk(rows));
    const fresh: Sent<Body>[] = [];
    const seen = new Set<number>();
    for (const sent of ready) {
      if (seen.has(sent.seq)) continue;
      seen.add(sent.seq);
      const isNew = sent.redriven > 0 ? await this.unpark(tx, topic, sent, now) : taken.has(`${topic}\0${sent.seq}`);
      if (isNew) fresh.push(sent);
    }
    return fresh;
  }

  /** A copy that comes after its redrive was given up, too, changes nothing: the next redrive is somebody's decision. */
  private async unpark(tx: Sql, topic: string, { seq, redriven }: Sent<unknown>, now: number): Promise<boolean> {
    const where = `topic = ? AND seq = ? AND parked <> '' AND redriven < ?`;
    const text = `UPDATE ${this.table} SET parked = '', handled_at = ? WHERE ${where}`;
    return (await tx.run(text, [now, topic, seq, redriven])) === 1;
  }

  /** A number that was forgotten had its effect long ago. */
  private async becameOf(tx: Sql, topic: string, all: readonly Sent<unknown>[]): Promise<Received[]> {
    if (all.length === 0) return [];
    const list = inList(
      tx.kind,
      all.map(({ seq }) => seq),
    );
    const text = `SELECT seq, parked FROM ${this.table} WHERE topic = ? AND seq ${list.text} AND parked <> ''`;
    const rows = await tx.rows<{ seq: number; parked: string }>(text, [topic, ...list.params]);
    const reasons = new Map(rows.map(({ seq, parked }) => [seq, parked]));
    return all.map(({ seq, redriven }) => {
      const parked = reasons.get(seq);
      return { seq, redriven, ...(parked !== undefined && { parked }) };
    });
  }

  private bulk(rows: readonly (readonly (string | number)[])[]) {
    const columns = {
      topic: 'text',
      seq: 'int',
      created_at: 'int',
      handled_at: 'int',
      parked: 'text',
      redriven: 'int',
    } as const;
    return { table: this.table, columns, key: ['topic', 'seq'], rows, groupId: newGroupId() };
  }
}
