import type { DataSource } from 'typeorm';
import { detach } from '../async/guarded';
import { AppError } from '../errors/app-error';
import { CommitUnknownError, isConnectionTrouble } from './db.errors';
import type { LogRows } from './sql';
import { SqliteConnection, type SqliteLoan } from './sqlite.connection';
import type { SqliteThread } from './sqlite.thread';

/**
 * The one writing connection to a SQLite file while one caller has it. Its statements run on a thread of its own; when one
 * has not answered in time, nobody gets the connection until the thread has an answer.
 */
export class SqliteThreadConnection extends SqliteConnection {
  constructor(
    dataSource: DataSource,
    raw: unknown,
    private readonly thread: SqliteThread,
    loan: SqliteLoan,
  ) {
    super(dataSource, raw, thread.engine(loan.limitMs), loan);
  }

  override append(log: LogRows, ending?: 'undone'): Promise<number> {
    return this.ending(() => super.append(log, ending));
  }

  protected override commitWork(): Promise<void> {
    return this.ending(() => super.commitWork());
  }

  protected override async rollbackWork(): Promise<void> {
    try {
      await super.rollbackWork();
    } catch (error) {
      // A thread that has ended has rolled back; one that has no answer yet does so before anybody else has it.
      if (!isLost(error)) throw error;
    }
  }

  protected override giveBack(): void {
    if (this.thread.quiet) this.loan.leave();
    else detach(this.cleared());
  }

  /** Nobody else needs this thread for what runs on the other one. */
  protected override async giveWay(): Promise<void> {}

  /** When a COMMIT has no answer, nobody knows whether it happened. */
  private async ending<T>(send: () => Promise<T>): Promise<T> {
    try {
      return await send();
    } catch (error) {
      throw isLost(error) ? new CommitUnknownError(error) : error;
    }
  }

  private async cleared(): Promise<void> {
    await this.thread.untilQuiet();
    await this.thread.engine(Number.POSITIVE_INFINITY).rollback();
    this.loan.leave();
  }
}

/** No answer from the thread, in contrast to one that says no. */
function isLost(error: unknown): boolean {
  return (
    error instanceof AppError || (isConnectionTrouble(error) && (error as { code?: unknown }).code === 'TIME_LIMIT')
  );
}
