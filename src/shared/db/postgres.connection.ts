import type { PoolClient, QueryConfig, QueryResult } from 'pg';
import type { DataSource } from 'typeorm';
import { guarded } from '../async/guarded';
import { keyOf } from './bulk';
import { isPlanStale, isStatementLost } from './db.errors';
import { arrayOf, bind, nameOf, numbered, rename } from './postgres.statements';
import { ServerConnection } from './server.connection';
import type { BulkRows, LogRows, ReadBack, UpsertRows, Value } from './sql';

// The key of the advisory lock under which migrations run; any constant does.
const migrationLock = 7_236_104_501;
const maxRows = 5000;

/** The facts that all connections of one pool share. */
export interface PostgresSession {
  /** A session is ours for one transaction only: no prepared statements by name, no settings that outlast it. */
  pooled: boolean;
  /** Statements that limit the transaction in which they stand. */
  readonly localLimits: string;
}

/** A connection to PostgreSQL while one caller has it. */
export class PostgresConnection extends ServerConnection {
  readonly kind = 'postgres';
  private readonly onError = guarded((error: Error) => this.breakOff(error));

  constructor(
    dataSource: DataSource,
    private readonly client: PoolClient,
    protected readonly limitMs: number,
    private readonly session: PostgresSession,
    private readonly returnToPool: (error?: Error) => void,
  ) {
    super(dataSource, client);
    // A connection that breaks between two statements says so by this event alone; unheard it would end the process.
    client.on('error', this.onError);
  }

  async rows<T>(text: string, params: readonly Value[] = []): Promise<T[]> {
    return (await this.send(text, params)).rows as T[];
  }

  override async prepared<T>(text: string, params: readonly Value[]): Promise<T[]> {
    return (await this.queryPrepared(numbered(text, params), params.map(bind))).rows as T[];
  }

  async run(text: string, params: readonly Value[] = []): Promise<number> {
    return (await this.send(text, params)).rowCount ?? 0;
  }

  async insertRows(bulk: BulkRows): Promise<Set<string>> {
    const key = bulk.key.join(', ');
    const results = await this.sendArrays(bulk, `ON CONFLICT (${key}) DO NOTHING RETURNING ${key}`);
    const inserted = new Set<string>();
    for (const row of results.flatMap((result) => result.rows as Record<string, Value>[])) {
      inserted.add(keyOf(bulk.key.map((name) => row[name] ?? null)));
    }
    return inserted;
  }

  async upsertRows<T>(bulk: UpsertRows, back?: ReadBack): Promise<T[]> {
    const changes = [
      ...bulk.add.map((name) => `${name} = ${bulk.table}.${name} + excluded.${name}`),
      ...bulk.set.map((name) => `${name} = excluded.${name}`),
      ...(bulk.max ?? []).map((name) => `${name} = GREATEST(${bulk.table}.${name}, excluded.${name})`),
    ];
    const ending = `ON CONFLICT (${bulk.key.join(', ')}) DO UPDATE SET ${changes.join(', ')}`;
    const returning = back ? ` RETURNING ${back.list}` : '';
    return (await this.sendArrays(bulk, `${ending}${returning}`)).flatMap(({ rows }) => rows as T[]);
  }

  // One array per column in a prepared statement of constant text: faster here than rows of parameters (+40 %) or one
  // JSON parameter (+10 %).
  private async sendArrays(bulk: BulkRows, ending: string): Promise<QueryResult[]> {
    const columns = Object.entries(bulk.columns);
    const arrays = columns.map(([, type], i) => `$${i + 1}::${type === 'int' ? 'bigint' : 'text'}[]`);
    const target = `${bulk.table} (${Object.keys(bulk.columns).join(', ')})`;
    const text = `INSERT INTO ${target} SELECT * FROM unnest(${arrays.join(', ')}) ${ending}`;
    const results: QueryResult[] = [];
    for (let from = 0; from < bulk.rows.length; from += maxRows) {
      const part = bulk.rows.slice(from, from + maxRows);
      const values = columns.map(([, type], i) => arrayOf(part, i, type));
      results.push(await this.queryPrepared(text, values));
    }
    return results;
  }

  // One statement is a transaction of its own: nothing is held between two packets. Its answer is one row, so that it fits
  // into the buffers of whoever does not read it.
  protected async sendAppend({ table, counter, columns, rows }: LogRows): Promise<number> {
    if (rows.length > maxRows) throw new RangeError(`${rows.length} rows have to be cut into parts`);
    const names = Object.keys(columns);
    const types = Object.values(columns);
    const arrays = types.map((type, i) => `$${i + 2}::${type === 'int' ? 'bigint' : 'text'}[]`);
    const next = `UPDATE ${counter} SET last_seq = last_seq + $1::bigint WHERE id = 1 RETURNING last_seq - $1::bigint AS base`;
    const numbered = `SELECT base + place, ${names.join(', ')} FROM counter, unnest(${arrays.join(', ')}) WITH ORDINALITY AS new (${names.join(', ')}, place)`;
    const text = `WITH counter AS (${next}), log AS (INSERT INTO ${table} (seq, ${names.join(', ')}) ${numbered}) SELECT base FROM counter`;
    const values = [String(rows.length), ...types.map((type, i) => arrayOf(rows, i, type))];
    const send = async (): Promise<number> => {
      const [row] = (await this.queryPrepared(text, values)).rows as { base: number }[];
      if (!row) throw new Error(`${counter} has no row`);
      return row.base;
    };
    return this.session.pooled ? this.briefly(send) : send();
  }

  /** A pooler's session knows no limits of ours, so they stand in a transaction; it must not idle while others wait for it. */
  private async briefly<T>(send: () => Promise<T>): Promise<T> {
    await this.begin();
    try {
      await this.run('SET LOCAL idle_in_transaction_session_timeout = 2000');
      const result = await send();
      await this.commit();
      return result;
    } catch (error) {
      await this.rollback();
      throw error;
    }
  }

  private async queryPrepared(text: string, values: (string | number | null)[]): Promise<QueryResult> {
    if (this.session.pooled) return this.query({ text, values });
    try {
      return await this.query({ name: nameOf(text), text, values });
    } catch (error) {
      // The transaction is over and is run again, without names from now on, or under a new one.
      if (isStatementLost(error)) this.session.pooled = true;
      if (isPlanStale(error)) rename(text);
      throw error;
    }
  }

  protected async sendCommit(): Promise<void> {
    const { command } = await this.query({ text: 'COMMIT' });
    // PostgreSQL answers ROLLBACK, and no error, to the COMMIT of a transaction in which a statement failed.
    if (command !== 'COMMIT') throw new Error('Nothing was committed: the error of an earlier statement was swallowed');
  }

  // In one transaction, with which the lock and the setting go: a pooler hands the session to others after it.
  async exclusively<T>(limitMs: number, work: () => Promise<T>): Promise<T> {
    await this.begin();
    try {
      await this.run('SET LOCAL statement_timeout = 0');
      await this.takeLock(limitMs);
      const result = await work();
      await this.commit();
      return result;
    } catch (error) {
      await this.rollback();
      throw error;
    }
  }

  protected override async beginWork(): Promise<void> {
    await this.run(this.session.pooled ? `BEGIN ISOLATION LEVEL READ COMMITTED; ${this.session.localLimits}` : 'BEGIN');
  }

  protected async tryLock(): Promise<boolean> {
    const text = 'SELECT pg_try_advisory_xact_lock(?) AS locked';
    const [row] = await this.rows<{ locked: boolean }>(text, [migrationLock]);
    return row?.locked === true;
  }

  protected destroy(): void {
    (this.client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  }

  protected giveBack(): void {
    if (!this.broken) this.client.off('error', this.onError);
    this.returnToPool(this.broken ? new Error('The connection failed', { cause: this.broken }) : undefined);
  }

  private send(text: string, params: readonly Value[]): Promise<QueryResult> {
    return this.query(params.length === 0 ? { text } : { text: numbered(text, params), values: params.map(bind) });
  }

  private query(config: QueryConfig): Promise<QueryResult> {
    return this.guard(() => this.client.query(config));
  }
}
