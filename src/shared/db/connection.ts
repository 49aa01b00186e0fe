import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { inSpan } from '../tracing/in-span';
import type { BulkRows, DatabaseKind, LogRows, ReadBack, Sql, UpsertRows, Value } from './sql';

/** A borrowed connection with what its lender needs beside `Sql`: a transaction's ends and the way back to the pool. */
export abstract class Connection implements Sql {
  abstract readonly kind: DatabaseKind;
  private borrowed = true;
  private ownRunner: QueryRunner | undefined;
  private transactionActive = false;
  private traced = false;

  constructor(
    protected readonly dataSource: DataSource,
    private readonly raw: unknown,
  ) {}

  abstract rows<T>(text: string, params?: readonly Value[]): Promise<T[]>;
  abstract run(text: string, params?: readonly Value[]): Promise<number>;

  async post(text: string, params?: readonly Value[]): Promise<void> {
    await this.run(text, params);
  }

  abstract insertRows(rows: BulkRows): Promise<Set<string>>;
  abstract upsertRows<T>(rows: UpsertRows, back?: ReadBack): Promise<T[]>;
  /** For `Database.append`: a transaction of its own. `undone`: rolled back; only SQLite knows it. */
  abstract append(rows: LogRows, ending?: 'undone'): Promise<number>;
  /** Runs `work` while no other process does; waits for them at most `limitMs`. */
  abstract exclusively<T>(limitMs: number, work: () => Promise<T>): Promise<T>;
  /** Runs statements that may take as long as they like, and that keep nobody waiting. */
  unhurried<T>(work: () => Promise<T>): Promise<T> {
    return work();
  }

  protected abstract beginWork(): Promise<void>;
  /** Throws CommitUnknownError when the answer to COMMIT did not come. */
  protected abstract commitWork(): Promise<void>;
  protected abstract rollbackWork(): Promise<void>;
  protected abstract giveBack(): void;

  async begin(): Promise<void> {
    await this.beginWork();
    this.markTransaction(true);
  }

  async commit(): Promise<void> {
    await this.commitWork();
    this.markTransaction(false);
  }

  async rollback(): Promise<void> {
    this.markTransaction(false);
    await this.rollbackWork();
  }

  /** Ends the loan. A connection that failed is destroyed, never returned to the pool. */
  release(): void {
    if (!this.borrowed) return;
    this.borrowed = false;
    this.giveBack();
  }

  get manager(): EntityManager {
    return this.runner.manager;
  }

  /** TypeORM's query runner over this connection. */
  get runner(): QueryRunner {
    this.assertBorrowed();
    this.ownRunner ??= this.createRunner();
    return this.ownRunner;
  }

  /** Makes a span of each statement of this loan. */
  traceStatements(): void {
    this.traced = true;
    const [rows, run, post] = [this.rows.bind(this), this.run.bind(this), this.post.bind(this)];
    const [insertRows, upsertRows, append] = [
      this.insertRows.bind(this),
      this.upsertRows.bind(this),
      this.append.bind(this),
    ];
    this.rows = <T>(text: string, params?: readonly Value[]) => this.spanOf(text, () => rows<T>(text, params));
    this.run = (text, params) => this.spanOf(text, () => run(text, params));
    this.post = (text, params) => this.spanOf(text, () => post(text, params));
    this.insertRows = (bulk) => this.spanOf(`INSERT INTO ${bulk.table}`, () => insertRows(bulk));
    this.upsertRows = <T>(bulk: UpsertRows, back?: ReadBack) =>
      this.spanOf(`INSERT INTO ${bulk.table}`, () => upsertRows<T>(bulk, back));
    this.append = (log, ending) => this.spanOf(`INSERT INTO ${log.table}`, () => append(log, ending));
  }

  private spanOf<T>(text: string, work: () => Promise<T>): Promise<T> {
    const summary = summaryOf(text);
    return inSpan(summary, 'client', { 'db.system.name': this.kind, 'db.query.summary': summary }, work);
  }

  /** Called before every statement. */
  protected assertBorrowed(): void {
    // On SQLite a late statement would join the transaction of somebody else.
    if (!this.borrowed) throw new Error('This connection was given back: a statement outlived its transaction');
  }

  private createRunner(): QueryRunner {
    const runner = this.dataSource.createQueryRunner();
    Object.assign(runner, { databaseConnection: this.raw });
    mark(runner, this.transactionActive);
    this.limit(runner);
    if (this.traced) {
      const query = runner.query.bind(runner);
      runner.query = (...args: Parameters<QueryRunner['query']>) => this.spanOf(args[0], () => query(...args));
    }
    return runner;
  }

  /** Makes TypeORM's statements go the way of this connection's. */
  protected limit(_runner: QueryRunner): void {
    return;
  }

  protected markTransaction(active: boolean): void {
    this.transactionActive = active;
    if (this.ownRunner) mark(this.ownRunner, active);
  }
}

const tableWords: ReadonlySet<string> = new Set(['FROM', 'INTO', 'UPDATE']);

/** The command and its table: `SELECT users`. Values are no part of it, whoever has written the statement. */
export function summaryOf(text: string): string {
  const words = text.trimStart().slice(0, 2000).split(/\s+/);
  const place = words.findIndex((word) => tableWords.has(word.toUpperCase()));
  const table = place < 0 ? '' : (words[place + 1] ?? '').split('(', 1)[0]?.replace(/[^A-Za-z0-9_]/g, '');
  return `${(words[0] ?? '').toUpperCase()} ${table}`.trim();
}

// TypeORM opens a transaction of its own for every save unless it believes to be in one.
function mark(runner: QueryRunner, active: boolean): void {
  Object.assign(runner, { isTransactionActive: active, transactionDepth: active ? 1 : 0 });
}
