import { setTimeout as sleep } from 'node:timers/promises';
import type { QueryRunner } from 'typeorm';
import { TimeLimitError, within } from '../async/within';
import { Connection } from './connection';
import { CommitUnknownError, isConnectionTrouble } from './db.errors';
import type { LogRows } from './sql';

/** A connection to a database server: every answer has a time limit, and after trouble the connection is destroyed. */
export abstract class ServerConnection extends Connection {
  protected broken: unknown;
  protected abstract readonly limitMs: number;

  /** Answers of statements that were sent and that nobody waits for before the next one's. */
  private owed: Promise<unknown>[] = [];

  /** Sends one statement; it fails, too, when one failed that was owed an answer. */
  protected async guard<T>(send: () => Promise<T>): Promise<T> {
    if (this.owed.length === 0) return this.limited(send);
    // All of them: nobody may send a ROLLBACK, or give the connection back, while an answer is on its way.
    const answers = [...this.owed.splice(0), this.limited(send)];
    for (const answer of await Promise.allSettled(answers)) if (answer.status === 'rejected') throw answer.reason;
    return answers.at(-1) as Promise<T>;
  }

  /** Sends what has been put off. */
  protected async flush(): Promise<void> {
    return;
  }

  /** Sends a statement behind which the next one goes out at once, where the driver can do that. */
  protected owe(send: () => Promise<unknown>): void {
    const answer = this.limited(send);
    // It is heard with the next statement's.
    answer.catch(() => undefined);
    this.owed.push(answer);
  }

  private async limited<T>(send: () => Promise<T>): Promise<T> {
    this.assertBorrowed();
    if (this.broken) throw this.broken;
    try {
      return await within(send(), this.limitMs, () => this.breakOff(new TimeLimitError(this.limitMs)));
    } catch (error) {
      if (isConnectionTrouble(error)) this.breakOff(error);
      throw error;
    }
  }

  /** Ends the connection at once, without a word to the server: it may be frozen. */
  protected abstract destroy(cause: unknown): void;
  protected abstract sendCommit(): Promise<void>;
  /** Number, rows and COMMIT. */
  protected abstract sendAppend(rows: LogRows): Promise<number>;
  /** Tries to take the lock; false when another process has it. */
  protected abstract tryLock(): Promise<boolean>;

  protected commitWork(): Promise<void> {
    return this.ending(() => this.sendCommit());
  }

  append(rows: LogRows): Promise<number> {
    return this.ending(() => this.sendAppend(rows));
  }

  /** Runs what ends in a COMMIT: without an answer nobody knows whether it happened. */
  private async ending<T>(send: () => Promise<T>): Promise<T> {
    if (this.broken) throw this.broken;
    try {
      return await send();
    } catch (error) {
      throw isConnectionTrouble(error) ? new CommitUnknownError(error) : error;
    }
  }

  protected async rollbackWork(): Promise<void> {
    this.owed = [];
    // A server rolls back what a lost connection had begun.
    if (!this.broken) await this.run('ROLLBACK');
  }

  protected async takeLock(limitMs: number): Promise<void> {
    for (const until = performance.now() + limitMs; !(await this.tryLock()); await sleep(100)) {
      if (performance.now() > until) throw new TimeLimitError(limitMs);
    }
  }

  protected override limit(runner: QueryRunner): void {
    const query = runner.query.bind(runner);
    runner.query = async (...args: Parameters<QueryRunner['query']>) => {
      await this.flush();
      return this.guard(() => query(...args));
    };
  }

  protected breakOff(cause: unknown): void {
    if (this.broken) return;
    this.broken = cause;
    this.destroy(cause);
  }
}
