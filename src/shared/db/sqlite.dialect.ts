import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type BetterSqlite3 from 'better-sqlite3';
import type { DataSource, DataSourceOptions } from 'typeorm';
import type { Connection } from './connection';
import { SqliteDriverMissingError } from './db.errors';
import { Dialect, type DialectOptions, type Lane } from './dialect';
import { Gate, type Priority } from './gate';
import { SqliteCheckpointer } from './sqlite.checkpointer';
import { claimFile } from './sqlite.claim';
import { SqliteConnection } from './sqlite.connection';
import { SqliteStatements } from './sqlite.statements';
import { SqliteThread } from './sqlite.thread';

// The driver waits for another process's lock with the whole process standing still; longer waits sleep between tries.
const busyTimeoutMs = 50;

function loadDriver(): typeof BetterSqlite3 {
  try {
    const driver = require('better-sqlite3') as typeof BetterSqlite3;
    // The native part is loaded by the first database only.
    new driver(':memory:').close();
    return driver;
  } catch (error) {
    throw new SqliteDriverMissingError(error);
  }
}

function prepare(database: BetterSqlite3.Database): void {
  database.pragma(`busy_timeout = ${busyTimeoutMs}`);
  database.pragma('journal_mode = WAL');
  // In WAL mode, NORMAL loses the last commits in a power cut.
  database.pragma('synchronous = FULL');
  database.pragma('foreign_keys = ON');
  // Four times what the checkpointer leaves there: should it fail, the log is bounded all the same.
  database.pragma('wal_autocheckpoint = 64000');
  database.pragma('cache_size = -12288');
}

/** SQLite through better-sqlite3: one connection, one borrower at a time. */
export class SqliteDialect extends Dialect {
  readonly kind = 'sqlite';
  readonly pingText = 'SELECT COUNT(*) FROM sqlite_master';
  private readonly gate = new Gate();
  private statements: SqliteStatements | undefined;
  private unclaim: (() => void) | undefined;

  override readonly readers: Readonly<Partial<Record<Lane, SqliteThread>>>;
  private readonly checkpointer: SqliteCheckpointer | undefined;

  constructor(
    private readonly path: string,
    private readonly options: Pick<DialectOptions, 'sole' | 'trouble'>,
  ) {
    super();
    // A database in memory is seen by its own connection only.
    const shared = path !== ':memory:';
    const reader = () => new SqliteThread(path, { readonly: true, busyMs: 1000 });
    this.readers = shared ? { questions: reader(), loading: reader() } : {};
    if (!shared) return;
    this.checkpointer = new SqliteCheckpointer(new SqliteThread(path, { readonly: false, busyMs: 0 }), this.gate);
  }

  override claim(): void {
    if (this.path === ':memory:') return;
    const driver = loadDriver();
    this.makeFolder();
    this.unclaim = claimFile(this.path, driver);
  }

  override release(): void {
    this.unclaim?.();
    this.unclaim = undefined;
  }

  dataSourceOptions(): DataSourceOptions {
    const driver = loadDriver();
    this.makeFolder();
    const prepareDatabase = (database: BetterSqlite3.Database) => {
      prepare(database);
      const statements = new SqliteStatements(database);
      this.statements = statements;
      const failed = (error: unknown): void => this.options.trouble?.(error, 'checkpoint_failed');
      this.checkpointer?.start(() => statements.changes(), failed);
    };
    return { type: 'better-sqlite3', database: this.path, driver, timeout: busyTimeoutMs, prepareDatabase };
  }

  override async close(): Promise<void> {
    await this.checkpointer?.close();
    await super.close();
  }

  async acquire(dataSource: DataSource, limitMs: number, priority: Priority = 'normal'): Promise<Connection> {
    await this.gate.enter(priority, limitMs);
    if (!this.statements?.open) {
      this.gate.leave();
      throw new Error('The SQLite database is closed');
    }
    const background = priority === 'background';
    // The log is one sequence: the next commit that is synced makes those before it durable, too. What confirms an effect
    // in another file would not.
    this.statements.synchronous(background && this.options.sole === true ? 'NORMAL' : 'FULL');
    return new SqliteConnection(dataSource, this.statements, limitMs, () => this.gate.leave(), background);
  }

  private makeFolder(): void {
    if (this.path !== ':memory:') mkdirSync(dirname(this.path), { recursive: true });
  }
}
