import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type BetterSqlite3 from 'better-sqlite3';
import type { DataSource, DataSourceOptions } from 'typeorm';
import type { Connection } from './connection';
import { Dialect, type DialectOptions, type Lane, type Purpose } from './dialect';
import { makeFolder } from './folder';
import { Gate, type Priority } from './gate';
import { SqliteCheckpointer } from './sqlite.checkpointer';
import { claimFile, realPath } from './sqlite.claim';
import { SqliteConnection } from './sqlite.connection';
import { loadDriver } from './sqlite.driver';
import { SqliteEngine } from './sqlite.engine';
import { moveTables } from './sqlite.move';
import { SqliteThread } from './sqlite.thread';
import { SqliteThreadConnection } from './sqlite.thread.connection';

// The driver waits for another connection's lock with its whole thread standing still; where this is a thread of others,
// too, they sleep between tries.
const busyTimeoutMs = 50;
const countLimitMs = 10_000;

// In WAL mode, NORMAL loses the last commits in a power cut. The log is bounded without the checkpointer, too: four times
// what that leaves there.
const pragmas = [
  'journal_mode = WAL',
  'synchronous = FULL',
  'foreign_keys = ON',
  'wal_autocheckpoint = 64000',
  'cache_size = -12288',
];
const idleMs = 10_000;
const maxStatements = 500;

/**
 * SQLite through better-sqlite3: one connection that writes, one borrower at a time. It works on a thread of its own, and
 * what only reads is read here beside it; or, where callers wait for every write, all of it works here.
 */
export class SqliteDialect extends Dialect {
  readonly kind = 'sqlite';
  readonly pingText = 'SELECT COUNT(*) FROM sqlite_master';
  private readonly gate = new Gate();
  private driver: { readonly raw: BetterSqlite3.Database; readonly engine: SqliteEngine } | undefined;
  private unclaim: (() => void) | undefined;

  override readonly readers: Readonly<Partial<Record<Lane, SqliteThread>>>;
  private readonly writer: SqliteThread | undefined;
  private readonly checkpointer: SqliteCheckpointer | undefined;

  constructor(
    private readonly path: string,
    private readonly options: Pick<DialectOptions, 'here' | 'trouble'>,
  ) {
    super();
    // A database in memory is seen by its own connection only.
    const shared = path !== ':memory:';
    const reader = () => new SqliteThread(path, { readonly: true, busyMs: 1000, idleMs });
    this.readers = shared ? { questions: reader(), loading: reader() } : {};
    if (!shared) return;
    if (options.here !== true)
      this.writer = new SqliteThread(path, { readonly: false, busyMs: busyTimeoutMs, create: true, pragmas });
    const checkpoints = new SqliteThread(path, { readonly: false, busyMs: 0, idleMs });
    this.checkpointer = new SqliteCheckpointer(checkpoints, this.gate);
  }

  override claim(): void {
    if (this.path === ':memory:') return;
    const driver = loadDriver();
    this.makeFolder();
    this.unclaim = claimFile(this.path, driver);
  }

  override adopt(from: string, tables: readonly string[], migrations: readonly string[]): boolean {
    if (!existsSync(from)) return false;
    const unclaim = claimFile(from, loadDriver());
    try {
      return moveTables({ from: realPath(from), to: realPath(this.path), tables, migrations }, loadDriver());
    } finally {
      unclaim();
    }
  }

  override release(): void {
    this.unclaim?.();
    this.unclaim = undefined;
  }

  override async open(): Promise<void> {
    loadDriver();
    this.makeFolder();
    await this.writer?.rows(this.pingText, [], Number.POSITIVE_INFINITY);
  }

  dataSourceOptions(): DataSourceOptions {
    const prepareDatabase = (raw: BetterSqlite3.Database) => {
      for (const pragma of this.writer ? [] : pragmas) raw.pragma(pragma);
      raw.pragma('busy_timeout = 0');
      const engine = new SqliteEngine(raw, maxStatements);
      this.driver = { raw, engine };
      const changes = (): number | Promise<number> => {
        if (this.writer) return this.writer.engine(countLimitMs).changes();
        return raw.open ? engine.changes() : 0;
      };
      this.checkpointer?.start(changes, (error) => this.options.trouble?.(error, 'checkpoint_failed'));
    };
    const readonly = this.writer !== undefined;
    const options = { database: this.path, driver: loadDriver(), timeout: busyTimeoutMs, readonly, prepareDatabase };
    return { type: 'better-sqlite3', ...options };
  }

  override async close(): Promise<void> {
    await this.checkpointer?.close();
    await super.close();
  }

  /** The last one who closes the file empties its log. */
  override async end(): Promise<void> {
    if (!this.writer) return;
    await this.writer.engine(Number.POSITIVE_INFINITY).close();
    await this.writer.close();
  }

  async acquire(
    dataSource: DataSource,
    limitMs: number,
    priority: Priority = 'normal',
    purpose: Purpose = 'write',
  ): Promise<Connection> {
    const beside = this.writer !== undefined && purpose === 'read';
    if (!beside) await this.gate.enter(priority, limitMs);
    const leave = (): void => (beside ? undefined : this.gate.leave());
    if (!this.driver?.raw.open) {
      leave();
      throw new Error('The SQLite database is closed');
    }
    const { raw, engine } = this.driver;
    const loan = { limitMs, background: priority === 'background', leave };
    if (beside || !this.writer) return new SqliteConnection(dataSource, raw, engine, loan);
    return new SqliteThreadConnection(dataSource, raw, this.writer, loan);
  }

  private makeFolder(): void {
    if (this.path !== ':memory:') makeFolder(dirname(this.path));
  }
}
