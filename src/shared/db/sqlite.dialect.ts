import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type BetterSqlite3 from 'better-sqlite3';
import type { DataSource, DataSourceOptions } from 'typeorm';
import type { Connection } from './connection';
import { SqliteDriverMissingError } from './db.errors';
import { Dialect, type Lane } from './dialect';
import { Gate, type Priority } from './gate';
import { SqliteConnection } from './sqlite.connection';
import { SqliteReader } from './sqlite.reader';
import { SqliteStatements } from './sqlite.statements';

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
  // A checkpoint writes each page once: fewer of them halve the writes of an index on random keys (64 MB of journal).
  database.pragma('wal_autocheckpoint = 16000');
  database.pragma('cache_size = -20480');
}

/** SQLite through better-sqlite3: one connection, one borrower at a time. */
export class SqliteDialect extends Dialect {
  readonly kind = 'sqlite';
  readonly pingText = 'SELECT COUNT(*) FROM sqlite_master';
  private readonly gate = new Gate();
  private statements: SqliteStatements | undefined;

  override readonly readers: Readonly<Partial<Record<Lane, SqliteReader>>>;

  constructor(private readonly path: string) {
    super();
    // What is in memory can be seen by its own connection only.
    this.readers = path === ':memory:' ? {} : { questions: new SqliteReader(path), loading: new SqliteReader(path) };
  }

  dataSourceOptions(): DataSourceOptions {
    const driver = loadDriver();
    if (this.path !== ':memory:') mkdirSync(dirname(this.path), { recursive: true });
    const prepareDatabase = (database: BetterSqlite3.Database) => {
      prepare(database);
      this.statements = new SqliteStatements(database);
    };
    return { type: 'better-sqlite3', database: this.path, driver, timeout: busyTimeoutMs, prepareDatabase };
  }

  async acquire(dataSource: DataSource, limitMs: number, priority: Priority = 'normal'): Promise<Connection> {
    await this.gate.enter(priority, limitMs);
    if (!this.statements?.open) {
      this.gate.leave();
      throw new Error('The SQLite database is closed');
    }
    return new SqliteConnection(
      dataSource,
      this.statements,
      limitMs,
      () => this.gate.leave(),
      priority === 'background',
    );
  }
}
