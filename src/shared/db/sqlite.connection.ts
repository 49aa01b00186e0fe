import { setTimeout as sleep } from 'node:timers/promises';
import { type DataSource, QueryFailedError, QueryResult, type QueryRunner } from 'typeorm';
import { keyOf, keyPlaces } from './bulk';
import { Connection } from './connection';
import { isRetryable } from './db.errors';
import { checkNumber } from './safe-integer';
import type { BulkRows, LogRows, ReadBack, UpsertRows, Value } from './sql';
import type { Engine } from './sqlite.engine';
import { bind, bindColumn, rowsIn } from './sqlite.values';

export interface SqliteLoan {
  /** Milliseconds to wait for another process that writes. */
  readonly limitMs: number;
  /** It gives way to others: between its steps, and its COMMIT does not wait for the disk. */
  readonly background: boolean;
  readonly leave: () => void;
}

/** A connection to a SQLite database while one caller has it. Its statements run at once, in this thread. */
export class SqliteConnection extends Connection {
  readonly kind = 'sqlite';

  /** `raw`: the driver's database, for TypeORM. */
  constructor(
    dataSource: DataSource,
    raw: unknown,
    protected readonly engine: Engine,
    protected readonly loan: SqliteLoan,
  ) {
    super(dataSource, raw);
  }

  async rows<T>(text: string, params: readonly Value[] = []): Promise<T[]> {
    this.assertBorrowed();
    return rowsIn<T>(await this.engine.rows(text, params.map(bind)));
  }

  async run(text: string, params: readonly Value[] = []): Promise<number> {
    this.assertBorrowed();
    return this.engine.run(text, params.map(bind));
  }

  async insertRows(bulk: BulkRows): Promise<Set<string>> {
    await this.giveWay();
    this.assertBorrowed();
    const text = `${insertText(bulk)} ON CONFLICT (${bulk.key.join(', ')}) DO NOTHING`;
    const changes = await this.engine.each(text, boundColumns(bulk));
    const places = keyPlaces(bulk);
    const inserted = bulk.rows.filter((_, i) => (changes[i] ?? 0) > 0);
    return new Set(inserted.map((row) => keyOf(places.map((place) => row[place] ?? null))));
  }

  async upsertRows<T>(bulk: UpsertRows, back?: ReadBack): Promise<T[]> {
    await this.giveWay();
    this.assertBorrowed();
    const changes = [
      ...bulk.add.map((name) => `${name} = ${bulk.table}.${name} + excluded.${name}`),
      ...bulk.set.map((name) => `${name} = excluded.${name}`),
      ...(bulk.max ?? []).map((name) => `${name} = max(${bulk.table}.${name}, excluded.${name})`),
    ];
    const text = `${insertText(bulk)} ON CONFLICT (${bulk.key.join(', ')}) DO UPDATE SET ${changes.join(', ')}`;
    if (back) return rowsIn<T>(await this.engine.eachBack(`${text} RETURNING ${back.list}`, boundColumns(bulk)));
    await this.engine.each(text, boundColumns(bulk));
    return [];
  }

  async append(log: LogRows, ending?: 'undone'): Promise<number> {
    const text = insertText(log);
    const rows = log.rows.map((row) => row.map(bindColumn));
    const first = await this.patiently(() => this.engine.append(text, rows, ending === 'undone'));
    return checkNumber(Number(first)) - 1;
  }

  // BEGIN IMMEDIATE is the lock; foreign keys can only be switched outside of a transaction, and TypeORM's way to change
  // a table (copy, drop, rename) would delete what refers to it.
  async exclusively<T>(limitMs: number, work: () => Promise<T>): Promise<T> {
    await this.engine.foreignKeys(false);
    try {
      await this.patiently(() => this.engine.begin('FULL'), limitMs);
      this.markTransaction(true);
      const result = await work();
      await this.commit();
      return result;
    } finally {
      await this.rollback();
      await this.engine.forget();
      await this.engine.foreignKeys(true);
    }
  }

  protected async beginWork(): Promise<void> {
    this.assertBorrowed();
    await this.patiently(() => this.engine.begin(this.loan.background ? 'NORMAL' : 'FULL'));
  }

  protected async commitWork(): Promise<void> {
    await this.giveWay();
    await this.run('COMMIT');
  }

  protected async rollbackWork(): Promise<void> {
    await this.engine.rollback();
  }

  /** TypeORM's statements go the same way: its own are not prepared once, and its own connection may only read. */
  protected override limit(runner: QueryRunner): void {
    // TypeORM gives one runner to all; here each connection has its own.
    Object.assign(this.dataSource.driver, { queryRunner: undefined });
    const query = async (text: string, params: readonly unknown[] = []): Promise<QueryResult> => {
      this.assertBorrowed();
      const result = new QueryResult();
      try {
        const { records, changes, lastId } = await this.engine.query(text, params.map(asColumn));
        result.raw = records ?? lastId;
        if (records) result.records = records;
        if (changes !== undefined) result.affected = changes;
        return result;
      } catch (error) {
        throw new QueryFailedError(text, [...params], error as Error);
      }
    };
    runner.query = async (text: string, params?: unknown[], structured = false) => {
      const result = await query(text, params);
      return structured ? result : result.raw;
    };
    // TypeORM asks the driver's database itself, in this one place.
    const loadPragmaRecords = (table: string, pragma: string) => runner.query(`PRAGMA ${pragma}("${table}")`);
    Object.assign(runner, { loadPragmaRecords });
  }

  protected giveBack(): void {
    this.loan.leave();
  }

  /** Lets others have this thread between the steps of one who gives way. */
  protected async giveWay(): Promise<void> {
    if (this.loan.background) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Again while another process writes. */
  private async patiently<T>(work: () => T | Promise<T>, limitMs = this.loan.limitMs): Promise<T> {
    const until = performance.now() + limitMs;
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!isRetryable(error) || performance.now() > until) throw error;
        await sleep(5 + Math.random() * 20);
      }
    }
  }
}

function boundColumns({ columns, rows }: BulkRows) {
  return Object.keys(columns).map((_, place) => rows.map((row) => bindColumn(row[place] ?? null)));
}

function asColumn(value: unknown) {
  return bindColumn(value as Value);
}

function insertText({ table, columns }: Pick<BulkRows, 'table' | 'columns'>): string {
  const names = Object.keys(columns);
  return `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`;
}
