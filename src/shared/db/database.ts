import { setTimeout as sleep } from 'node:timers/promises';
import { DataSource, MigrationExecutor, type MigrationInterface } from 'typeorm';
import { within } from '../async/within';
import { type DatabaseAddress, parseDatabaseUrl, shownDatabase } from '../config/database-url';
import { AppError } from '../errors/app-error';
import { unavailable } from '../errors/common.errors';
import { inSpan } from '../tracing/in-span';
import { currentContext } from '../tracing/request-context';
import type { Connection } from './connection';
import { isConnectionTrouble, isFailure, isRetryable, isSchemaMissing, isTransient, isUnwritable } from './db.errors';
import { type Dialect, type DialectOptions, inTime, type Lane, type Purpose } from './dialect';
import type { Table } from './entity';
import type { Priority } from './gate';
import { migrate } from './migrator';
import { MysqlDialect } from './mysql.dialect';
import { Outcomes } from './outcomes';
import { PostgresDialect } from './postgres.dialect';
import { SilentLogger } from './silent.logger';
import type { DatabaseKind, LogRows, Sql, Value } from './sql';
import { SqliteDialect } from './sqlite.dialect';

export type { DatabaseKind, Sql, Value } from './sql';

export type Migration = new () => MigrationInterface;

/** `url` as in `parseDatabaseUrl`; pool sizes do not concern SQLite, which has one connection. */
export interface DatabaseOptions extends DialectOptions {
  readonly url: string;
  readonly tables: readonly Table<object>[];
  readonly migrations: readonly Migration[];
}

const maxRetries = 3;
const maxCallers = 10_000;

function dialectOf(address: DatabaseAddress, options: DialectOptions): Dialect {
  if (address.kind === 'sqlite') return new SqliteDialect(address.path, options);
  return address.kind === 'postgres' ? new PostgresDialect(address, options) : new MysqlDialect(address, options);
}

/**
 * One database: a pool of connections (SQLite: of one), transactions with retry, migrations. When the server cannot be
 * reached or does not answer in time, everything here rejects with `unavailable` and works again when it is back.
 */
export class Database {
  readonly dialect: Dialect;
  private dataSource: DataSource | undefined;
  private callers = 0;
  private stuck = false;
  private readonly writes = new Outcomes();

  constructor(private readonly options: DatabaseOptions) {
    this.dialect = dialectOf(parseDatabaseUrl(options.url), options);
  }

  get kind(): DatabaseKind {
    return this.dialect.kind;
  }

  /** Its address without credentials. */
  get shown(): string {
    return shownDatabase(this.options.url);
  }

  /** In this process: no server to be gone. */
  get embedded(): boolean {
    return this.kind === 'sqlite';
  }

  /** Opens the pool. Rejects with the driver's error when the server refuses us, `unavailable` when it is not there. */
  async connect(): Promise<void> {
    const { tables, migrations, connectTimeoutMs } = this.options;
    try {
      await this.dialect.open();
      const options = this.dialect.dataSourceOptions();
      const dataSource = new DataSource({
        ...options,
        entities: tables.map((table) => table.schema(options.type)),
        migrations: [...migrations],
        logger: new SilentLogger(),
      });
      this.dataSource = await inTime(dataSource.initialize(), connectTimeoutMs, (late) => late.destroy());
    } catch (error) {
      throw asAnswer(error);
    }
  }

  /** Brings the schema up to date, one process at a time, and answers the names of the migrations that it ran. */
  async migrate(): Promise<string[]> {
    const lend = <T>(work: (connection: Connection) => Promise<T>) =>
      this.borrow(Number.POSITIVE_INFINITY, 'normal', work);
    return migrate(this.opened(), this.kind, Object.assign(lend, { connections: this.options.poolMax }));
  }

  /** The names of the migrations that this database lacks. */
  async pendingMigrations(): Promise<string[]> {
    const dataSource = this.opened();
    return this.read(async (sql) => {
      const { queryRunner } = sql.manager;
      return (await new MigrationExecutor(dataSource, queryRunner).getPendingMigrations()).map(({ name }) => name);
    });
  }

  /** The names of the migrations that were run in this database, by whichever version. */
  async appliedMigrations(): Promise<string[]> {
    const dataSource = this.opened();
    return this.read(async (sql) => {
      const { queryRunner } = sql.manager;
      return (await new MigrationExecutor(dataSource, queryRunner).getExecutedMigrations()).map(({ name }) => name);
    });
  }

  /** Nothing could be written lately, and since then no `ping` could: the disk is full, perhaps. Or most writes fail. */
  get unwritable(): boolean {
    return this.stuck || this.writes.mostFail;
  }

  /**
   * Asks the database for an answer, and where nothing could be written lately, writes. Rejects with `unavailable` when
   * that fails or takes longer than `limitMs`, and while most of what others write fails.
   */
  async ping(limitMs: number): Promise<void> {
    await this.retried((connection) => connection.rows(this.dialect.pingText), 'normal', limitMs);
    if (this.writes.mostFail) throw unavailable(new Error('Most transactions fail'));
    if (!this.stuck) return;
    await this.retried(
      (connection) => this.counted(() => inTransaction(connection, writeSomething)),
      'normal',
      limitMs,
    );
    // Only now: many a transaction commits without having written anything.
    this.stuck = false;
  }

  /** Closes the pool when all have given back their connections, at the latest after the query time limit. */
  async close(): Promise<void> {
    const dataSource = this.dataSource;
    this.dataSource = undefined;
    if (!dataSource) return;
    await this.dialect.close();
    const { queryTimeoutMs } = this.options;
    // SQLite has no pool that waits for its borrowers.
    const last = this.embedded ? await this.dialect.acquire(dataSource, queryTimeoutMs) : undefined;
    await within(dataSource.destroy(), queryTimeoutMs).finally(() => last?.release());
    await this.dialect.end();
  }

  /**
   * Runs `work` in one transaction (READ COMMITTED or stricter) and commits. `work` runs again, at most 3 times, after a
   * deadlock or serialization failure, so it must have no effect but through `tx`, and it must not call other services.
   * Rejects with CommitUnknownError when the answer to COMMIT was lost. 'background' is for
   * what is done again when it is lost: on SQLite it gives way to others, and a power cut can undo it until something else
   * has been committed to this database after it. So nothing in another database may be told that it is done.
   */
  async transaction<T>(work: (tx: Sql) => Promise<T>, options: { readonly priority?: Priority } = {}): Promise<T> {
    const transact = (connection: Connection): Promise<T> => this.counted(() => inTransaction(connection, work));
    return inSpan('transaction', 'internal', {}, () => this.retried(transact, options.priority));
  }

  /**
   * Puts rows at the end of a log, all or none, durable when it resolves. To servers it is one round trip, so that a process
   * that stands still cannot keep others from the log's counter.
   * @returns the number before the first row's; the rows have those behind it, in order
   * @throws the driver's unique violation; CommitUnknownError; AppError unavailable
   */
  async append(rows: LogRows): Promise<number> {
    return this.retried((connection) => this.counted(() => connection.append(rows)));
  }

  /** Does what `append` does, and rolls it back. For SQLite, where nobody else waits meanwhile. */
  async rehearse(rows: LogRows): Promise<void> {
    await this.retried((connection) => connection.append(rows, 'undone'));
  }

  /** Runs `work`, which only reads, outside of a transaction: each statement sees what is committed when it starts. */
  async read<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    return this.retried(work, 'normal', this.options.queryTimeoutMs, 'read');
  }

  /**
   * One SELECT that goes through very many rows; it sees what is committed when it begins. SQLite runs it on a thread of
   * its own, one for each lane, so that nobody waits for it here.
   */
  async scan<T>(text: string, params: readonly Value[] = [], lane: Lane = 'questions'): Promise<T[]> {
    const reader = this.dialect.readers[lane];
    if (!reader) return this.read((sql) => sql.rows<T>(text, params));
    this.opened();
    try {
      return await reader.rows<T>(text, params, this.options.queryTimeoutMs);
    } catch (error) {
      // Nobody runs it again.
      throw isRetryable(error) ? unavailable(error) : asAnswer(error);
    }
  }

  private async counted<T>(write: () => Promise<T>): Promise<T> {
    try {
      const result = await write();
      this.writes.add(true);
      return result;
    } catch (error) {
      if (isUnwritable(error)) this.stuck = true;
      if (isFailure(error)) this.writes.add(false);
      throw error;
    }
  }

  /** Not cockatiel's retry: it knows no end in time, and a policy for each call would be made anew for it. */
  private async retried<T>(
    work: (connection: Connection) => Promise<T>,
    priority: Priority = 'normal',
    limitMs = this.options.queryTimeoutMs,
    purpose: Purpose = 'write',
  ): Promise<T> {
    const until = performance.now() + limitMs;
    for (let retries = 0; ; retries += 1) {
      try {
        return await this.borrow(limitMs, priority, work, purpose);
      } catch (error) {
        if (!isRetryable(error)) throw error;
        if (retries === maxRetries || performance.now() > until) throw unavailable(error);
        await sleep(Math.random() * 10 * 2 ** retries);
      }
    }
  }

  private async borrow<T>(
    limitMs: number,
    priority: Priority,
    work: (connection: Connection) => Promise<T>,
    purpose?: Purpose,
  ): Promise<T> {
    if (this.callers >= maxCallers) throw unavailable(new Error(`${maxCallers} callers wait for the database`));
    this.callers += 1;
    try {
      const connection = await this.acquire(limitMs, priority, purpose);
      if (currentContext()?.span) connection.traceStatements();
      try {
        return await work(connection);
      } finally {
        connection.release();
      }
    } catch (error) {
      throw asAnswer(error);
    } finally {
      this.callers -= 1;
    }
  }

  private async acquire(limitMs: number, priority: Priority, purpose?: Purpose): Promise<Connection> {
    try {
      return await this.dialect.acquire(this.opened(), limitMs, priority, purpose);
    } catch (error) {
      // Whatever the server has against a new connection, the caller can do nothing about it.
      throw error instanceof AppError ? error : unavailable(error);
    }
  }

  private opened(): DataSource {
    if (!this.dataSource) throw unavailable(new Error('The database is not connected'));
    return this.dataSource;
  }
}

/** An UPDATE to what is there already writes nothing on two of three databases. */
export async function writeSomething(tx: Sql): Promise<void> {
  await tx.run("INSERT INTO migrations (timestamp, name) VALUES (0, 'written to see whether that works')");
  await tx.run('DELETE FROM migrations WHERE timestamp = 0');
}

async function inTransaction<T>(connection: Connection, work: (tx: Sql) => Promise<T>): Promise<T> {
  await connection.begin();
  try {
    const result = await work(connection);
    await connection.commit();
    return result;
  } catch (error) {
    await rollback(connection, error);
    throw error;
  }
}

async function rollback(connection: Connection, reason: unknown): Promise<void> {
  try {
    await connection.rollback();
  } catch (error) {
    // A connection that cannot even roll back was destroyed, and the server rolls back; the first error tells more.
    if (!isConnectionTrouble(error))
      throw new AggregateError([reason, error], 'A transaction could not be rolled back');
  }
}

// Retryable errors pass as they are: the loop above decides about them.
function asAnswer(error: unknown): unknown {
  if (error instanceof AppError || isRetryable(error)) return error;
  return isTransient(error) || isSchemaMissing(error) ? unavailable(error) : error;
}
