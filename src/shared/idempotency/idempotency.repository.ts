import { insertNew, newGroupId } from '../db/bulk';
import type { Database, Sql } from '../db/database';
import { isLockTimeout } from '../db/db.errors';
import { prune } from '../db/prune';
import { idempotencyKeyReused, inProgress } from './idempotency.errors';

/** A call that may come again: its caller, route and key as one hash, and what was asked as another. */
export interface IdempotentCall {
  readonly keyHash: string;
  readonly fingerprint: string;
  /** The same request's under secrets that were the first one before: a secret may change within a key's day. */
  readonly earlier?: readonly string[];
  /** Milliseconds since 1970; undefined while that is not sure: then no key is over. */
  readonly now: number | undefined;
  readonly expiresAt: number;
}

/** The result of a call; `replayed`: it came before. */
export interface Once<Answer> {
  readonly done: Answer;
  readonly replayed: boolean;
}

const columns = { key_hash: 'text', fingerprint: 'text', answer: 'text', expires_at: 'int' } as const;

/** The table in which one feature keeps its keys. */
export class IdempotencyRepository {
  constructor(
    private readonly db: Database,
    readonly table: string,
  ) {}

  /**
   * Answers what `work` answers, or what it answered when the same call came before. Belongs into the transaction of the effect: key,
   * effect and answer are there together or not at all, and the same call at the same moment waits for this one's COMMIT.
   * Without a call `work` just runs. @throws AppError idempotency_key_reused, in_progress
   */
  async once<Answer extends object>(
    tx: Sql,
    call: IdempotentCall | undefined,
    work: () => Promise<Answer>,
  ): Promise<Once<Answer>> {
    if (!call) return { done: await work(), replayed: false };
    if (!(await this.enter(tx, call))) {
      const before = await this.before<Answer>(tx, call);
      if (before) return { done: before, replayed: true };
    }
    const done = await work();
    const text = JSON.stringify(done);
    await tx.run(`UPDATE ${this.table} SET answer = ? WHERE key_hash = ?`, [text, call.keyHash]);
    return { done, replayed: false };
  }

  /** Removes up to `limit` rows that are over, and answers how many. */
  prune(now: number, limit: number): Promise<number> {
    return prune(this.db, { table: this.table, column: 'expires_at', before: now + 1, limit });
  }

  private async enter(tx: Sql, { keyHash, fingerprint, expiresAt }: IdempotentCall): Promise<boolean> {
    const rows = [[keyHash, fingerprint, '', expiresAt]];
    const groupId = newGroupId();
    try {
      const fresh = await insertNew(tx, { table: this.table, columns, key: ['key_hash'], rows, groupId });
      return fresh.size > 0;
    } catch (error) {
      // Somebody holds the row with this key for longer than the database lets us wait.
      throw isLockTimeout(error) ? inProgress() : error;
    }
  }

  /** The answer of the first call; undefined when that one is so long ago that this is a new one. */
  private async before<Answer extends object>(tx: Sql, call: IdempotentCall): Promise<Answer | undefined> {
    const { keyHash, fingerprint, earlier = [], now, expiresAt } = call;
    const text = `SELECT fingerprint, answer, expires_at FROM ${this.table} WHERE key_hash = ?`;
    const [row] = await tx.rows<{ fingerprint: string; answer: string; expires_at: number }>(text, [keyHash]);
    // Pruned this very moment.
    if (!row) throw inProgress();
    if (now !== undefined && row.expires_at <= now) {
      const change = `UPDATE ${this.table} SET fingerprint = ?, expires_at = ? WHERE key_hash = ? AND expires_at = ?`;
      if ((await tx.run(change, [fingerprint, expiresAt, keyHash, row.expires_at])) === 0) throw inProgress();
      return undefined;
    }
    if (![fingerprint, ...earlier].includes(row.fingerprint)) throw idempotencyKeyReused();
    return JSON.parse(row.answer) as Answer;
  }
}
