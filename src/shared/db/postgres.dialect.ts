import type { PoolClient } from 'pg';
import type { DataSource, DataSourceOptions } from 'typeorm';
import type { PostgresDriver } from 'typeorm/driver/postgres/PostgresDriver';
import type { DatabaseAddress } from '../config/database-url';
import { nodeTls } from '../config/tls-words';
import type { Connection } from './connection';
import { Dialect, type DialectOptions, inTime } from './dialect';
import { PostgresConnection, type PostgresSession } from './postgres.connection';
import { checkNumber } from './safe-integer';

// Whole numbers come as text in these types: bigint, and numeric, which is what SUM makes of bigint. Numbers of
// https://github.com/postgres/postgres/blob/master/src/include/catalog/pg_type.dat
const numberTypes: readonly number[] = [20, 1700];

function typeParsers() {
  // Loaded by those alone who have such a server.
  const { types } = require('pg') as typeof import('pg');
  const getTypeParser = (oid: number, format?: string): ((text: string) => unknown) => {
    if (numberTypes.includes(oid) && format !== 'binary') return (text) => checkNumber(Number(text));
    return types.getTypeParser(oid, format as 'text');
  };
  return { getTypeParser };
}

type Loan = [PoolClient, (error?: Error) => void];

/** PostgreSQL through pg. */
export class PostgresDialect extends Dialect {
  readonly kind = 'postgres';
  readonly pingText = 'SELECT 1';
  private readonly prepared = new WeakSet<PoolClient>();
  private readonly session: PostgresSession;

  constructor(
    private readonly address: DatabaseAddress,
    private readonly options: DialectOptions,
  ) {
    super();
    const limit = options.queryTimeoutMs;
    const localLimits = `SET LOCAL statement_timeout = ${limit}; SET LOCAL lock_timeout = ${Math.ceil(limit * 0.8)}`;
    this.session = { pooled: address.pooled === true, localLimits, generation: 0 };
  }

  dataSourceOptions(): DataSourceOptions {
    const { host, port, username, password, database, tls, driver } = this.address;
    const { poolMin, poolMax } = this.options;
    const connectTimeoutMs = Math.min(this.address.connectTimeoutMs ?? Infinity, this.options.connectTimeoutMs);
    const extra = {
      ...driver,
      min: poolMin,
      keepAlive: true,
      // A statement may go out before the one before it was answered.
      pipeline: true,
      types: typeParsers(),
      connectionTimeoutMillis: connectTimeoutMs,
    };
    const pool = { poolSize: poolMax, connectTimeoutMS: connectTimeoutMs, extra, installExtensions: false };
    return { type: 'postgres', host, port, username, password, database, ssl: tls && nodeTls(tls), ...pool };
  }

  async acquire(dataSource: DataSource, limitMs: number): Promise<Connection> {
    const pending = (dataSource.driver as PostgresDriver).obtainMasterConnection() as Promise<Loan>;
    const [client, giveBack] = await inTime(pending, limitMs, ([, late]) => late());
    const connection = new PostgresConnection(dataSource, client, limitMs, this.session, giveBack);
    if (!this.prepared.has(client)) await this.prepare(connection, client);
    return connection;
  }

  // Without these limits the server waits without end; roles and databases may have set others.
  private async prepare(connection: PostgresConnection, client: PoolClient): Promise<void> {
    const limit = this.options.queryTimeoutMs;
    const settings = `SET statement_timeout = ${limit}; SET lock_timeout = ${Math.ceil(limit * 0.8)}`;
    try {
      this.session.pooled ||= await connection.isPooled();
      if (!this.session.pooled)
        await connection.run(`SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED; ${settings}`);
      this.prepared.add(client);
    } catch (error) {
      connection.release();
      throw error;
    }
  }
}
