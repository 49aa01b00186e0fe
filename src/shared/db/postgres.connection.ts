import type { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PoolClient, QueryConfig, QueryResult } from 'pg';
import type { DataSource } from 'typeorm';
import { guarded } from '../async/guarded';
import { TimeLimitError } from '../async/within';
import { keyOf } from './bulk';
import { isStatementLost, isStatementStale } from './db.errors';
import { arrayTypes, bind, columnOf, nameOf, numbered } from './postgres.statements';
import { ServerConnection } from './server.connection';
import type { BulkRows, LogRows, ReadBack, UpsertRows, Value } from './sql';

// The key of the advisory lock under which migrations run; any constant does.
const migrationLock = 7_236_104_501;
// A change of a table waits for whoever uses it, and everybody else for the change.
const tableWaitMs = 2000;
const lockPauseMs = 100;
const maxRows = 5000;

/** The facts that all connections of one pool share. */
export interface PostgresSession {
  /** A session is ours for one transaction only: no prepared statements by name, no settings that outlast it. */
  pooled: boolean;
  /** Statements that limit the transaction in which they stand. */
  readonly localLimits: string;
  /** Grows when a change of tables has spoiled the statements that are prepared: all are prepared anew, by new names. */
  generation: number;
}

/** A connection to PostgreSQL while one caller has it. */
export class PostgresConnection extends ServerConnection {
  readonly kind = 'postgres';
  // Statements that go out together with the next one.
  private held = 0;
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

  async run(text: string, params: readonly Value[] = []): Promise<number> {
    return (await this.send(text, params)).rowCount ?? 0;
  }

  /** True when the process that greeted us is not the one that answers: PgBouncer, or another of its kind, is in between. */
  async isPooled(): Promise<boolean> {
    const { rows } = await this.guard(() => this.client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid'));
    return rows[0]?.pid !== (this.client as PoolClient & { readonly processID?: number | null }).processID;
  }

  override async post(text: string, params: readonly Value[] = []): Promise<void> {
    // Behind a pooler nobody relies on what it does with statements that wait.
    if (this.session.pooled) await this.run(text, params);
    else this.hold(numbered(text, params), params.map(bind));
  }

  /** It goes out together with the next statement, in one write. */
  private hold(text: string, values: (string | number | null)[]): void {
    if (this.held === 0) this.socket.cork();
    this.held += 1;
    this.owe(() => this.submit(text, values));
  }

  protected override async flush(): Promise<void> {
    this.uncork();
  }

  private uncork(): void {
    if (this.held > 0) this.socket.uncork();
    this.held = 0;
  }

  private get socket(): Writable {
    return (this.client as unknown as { connection: { stream: Writable } }).connection.stream;
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
    const arrays = columns.map(([, type], i) => `$${i + 1}::${arrayTypes[type]}`);
    const target = `${bulk.table} (${Object.keys(bulk.columns).join(', ')})`;
    const text = `INSERT INTO ${target} SELECT * FROM unnest(${arrays.join(', ')}) ${ending}`;
    const results: QueryResult[] = [];
    for (let from = 0; from < bulk.rows.length; from += maxRows) {
      const part = bulk.rows.slice(from, from + maxRows);
      const values = columns.map(([, type], i) => columnOf(part, i, type));
      results.push(await this.query(text, values));
    }
    return results;
  }

  // One statement is a transaction of its own: nothing is held between two packets. Its answer is one row, so that it fits
  // into the buffers of whoever does not read it.
  protected async sendAppend({ table, counter, columns, rows }: LogRows): Promise<number> {
    if (rows.length > maxRows) throw new RangeError(`${rows.length} rows have to be cut into parts`);
    const names = Object.keys(columns);
    const types = Object.values(columns);
    const arrays = types.map((type, i) => `$${i + 2}::${arrayTypes[type]}`);
    const next = `UPDATE ${counter} SET last_seq = last_seq + $1::bigint WHERE id = 1 RETURNING last_seq - $1::bigint AS base`;
    const numbered = `SELECT base + place, ${names.join(', ')} FROM counter, unnest(${arrays.join(', ')}) WITH ORDINALITY AS new (${names.join(', ')}, place)`;
    const text = `WITH counter AS (${next}), log AS (INSERT INTO ${table} (seq, ${names.join(', ')}) ${numbered}) SELECT base FROM counter`;
    const values = [String(rows.length), ...types.map((type, i) => columnOf(rows, i, type))];
    const send = async (): Promise<number> => {
      const [row] = (await this.query(text, values)).rows as { base: number }[];
      if (!row) throw new Error(`${counter} has no row`);
      return row.base;
    };
    return this.session.pooled ? this.briefly(send) : send();
  }

  /** A pooler's session knows no limits of ours, so they stand in a transaction; it must not idle while others wait for it. */
  private async briefly<T>(send: () => Promise<T>): Promise<T> {
    await this.run(`${this.beginPooled}; SET LOCAL idle_in_transaction_session_timeout = 2000`);
    this.markTransaction(true);
    try {
      const result = await send();
      await this.commit();
      return result;
    } catch (error) {
      await this.rollback();
      throw error;
    }
  }

  private async submit(text: string, values: (string | number | null)[]): Promise<QueryResult> {
    const { generation } = this.session;
    try {
      return await this.client.query(this.named(text, values));
    } catch (error) {
      // The transaction is over and is run again: without names from now on, or by new ones.
      if (isStatementLost(error)) this.session.pooled = true;
      else if (isStatementStale(error)) this.session.generation = generation + 1;
      throw error;
    }
  }

  private named(text: string, values: (string | number | null)[]): QueryConfig {
    const name = this.session.pooled ? undefined : nameOf(text);
    return name === undefined ? { text, values } : { name: `${name}_${this.session.generation}`, text, values };
  }

  protected async sendCommit(): Promise<void> {
    const { command } = await this.query('COMMIT');
    // PostgreSQL answers ROLLBACK, and no error, to the COMMIT of a transaction in which a statement failed.
    if (command !== 'COMMIT') throw new Error('Nothing was committed: the error of an earlier statement was swallowed');
  }

  // In one transaction, with which the lock and the settings go: a pooler hands the session to others after it. Whoever waits
  // has none open: an index that is made concurrently waits for every older transaction, and this one would wait for it.
  async exclusively<T>(limitMs: number, work: () => Promise<T>): Promise<T> {
    for (const until = performance.now() + limitMs; ; await sleep(lockPauseMs)) {
      const done = await this.ifUnlocked(work);
      if (done) return done.result;
      if (performance.now() > until) throw new TimeLimitError(limitMs);
    }
  }

  /** Undefined where somebody else has the lock. */
  private async ifUnlocked<T>(work: () => Promise<T>): Promise<{ readonly result: T } | undefined> {
    await this.begin();
    try {
      // It idles while an index is made on another connection.
      const unlimited = 'SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0';
      await this.run(`${unlimited}; SET LOCAL lock_timeout = ${tableWaitMs}`);
      const done = (await this.tryLock()) ? { result: await work() } : undefined;
      await this.commit();
      return done;
    } catch (error) {
      await this.rollback();
      throw error;
    }
  }

  override async unhurried<T>(work: () => Promise<T>): Promise<T> {
    // A pooler's session has no limits of ours, and is somebody else's next.
    if (!this.session.pooled) await this.run('SET statement_timeout = 0; SET lock_timeout = 0');
    try {
      return await work();
    } finally {
      if (!this.session.pooled) this.breakOff(new Error('Its limits were lifted: nobody else may have it'));
    }
  }

  private get beginPooled(): string {
    return `BEGIN ISOLATION LEVEL READ COMMITTED; ${this.session.localLimits}`;
  }

  protected async beginWork(): Promise<void> {
    if (this.session.pooled) await this.run(this.beginPooled);
    else this.hold('BEGIN', []);
  }

  protected async tryLock(): Promise<boolean> {
    const text = 'SELECT pg_try_advisory_xact_lock(?) AS locked';
    const [row] = await this.rows<{ locked: boolean }>(text, [migrationLock]);
    return row?.locked === true;
  }

  protected destroy(): void {
    this.socket.destroy();
  }

  protected giveBack(): void {
    if (!this.broken) this.client.off('error', this.onError);
    this.returnToPool(this.broken ? new Error('The connection failed', { cause: this.broken }) : undefined);
  }

  private send(text: string, params: readonly Value[]): Promise<QueryResult> {
    return this.query(numbered(text, params), params.map(bind));
  }

  private query(text: string, values: (string | number | null)[] = []): Promise<QueryResult> {
    return this.guard(() => {
      const answer = this.submit(text, values);
      this.uncork();
      return answer;
    });
  }
}
