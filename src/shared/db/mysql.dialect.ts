import type { PoolConnection, TypeCastField, TypeCastNext } from 'mysql2';
import type { DataSource, DataSourceOptions } from 'typeorm';
import type { MysqlDriver } from 'typeorm/driver/mysql/MysqlDriver';
import type { DatabaseAddress } from '../config/database-url';
import type { Connection } from './connection';
import { Dialect, type DialectOptions, inTime } from './dialect';
import { MysqlConnection } from './mysql.connection';
import { checkNumber } from './safe-integer';

const maxWaiting = 10_000;

// NO_BACKSLASH_ESCAPES must never be in here: the driver escapes quotes by backslashes, and text could end its literal.
const sqlMode =
  'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO,ONLY_FULL_GROUP_BY,PIPES_AS_CONCAT';

// BIGINT, and DECIMAL, which is what SUM makes of it, come as text.
function typeCast(field: TypeCastField, next: TypeCastNext): unknown {
  if (field.type !== 'LONGLONG' && field.type !== 'NEWDECIMAL') return next();
  const text = field.string();
  return text === null ? null : checkNumber(Number(text));
}

/** MySQL and MariaDB through mysql2. */
export class MysqlDialect extends Dialect {
  readonly kind = 'mysql';
  readonly pingText = 'SELECT 1';
  private readonly prepared = new WeakSet<PoolConnection>();

  constructor(
    private readonly address: DatabaseAddress,
    private readonly options: DialectOptions,
  ) {
    super();
  }

  dataSourceOptions(): DataSourceOptions {
    const { host, port, username, password, database, tls } = this.address;
    const { poolMin, poolMax } = this.options;
    const connectTimeoutMs = Math.min(this.address.connectTimeoutMs ?? Infinity, this.options.connectTimeoutMs);
    const extra = {
      maxIdle: Math.max(poolMin, 1),
      idleTimeout: 60_000,
      queueLimit: maxWaiting,
      enableKeepAlive: true,
      typeCast,
    };
    const pool = { poolSize: poolMax, connectTimeout: connectTimeoutMs, extra, charset: 'utf8mb4_bin' };
    // For the log's append; every value in a text of ours is escaped by the driver or a number.
    const options = { ...pool, multipleStatements: true };
    return { type: 'mysql', host, port, username, password, database, ...(tls ? { ssl: tls } : {}), ...options };
  }

  async acquire(dataSource: DataSource, limitMs: number): Promise<Connection> {
    const pending = (dataSource.driver as MysqlDriver).obtainMasterConnection() as Promise<PoolConnection>;
    const raw = await inTime(pending, limitMs, (late) => late.release());
    const connection = new MysqlConnection(dataSource, raw, limitMs);
    if (!this.prepared.has(raw)) await this.prepare(connection, raw);
    return connection;
  }

  // READ COMMITTED: with InnoDB's own REPEATABLE READ the loser of a race does not see the winner's row.
  private async prepare(connection: Connection, raw: PoolConnection): Promise<void> {
    const lockSeconds = Math.max(1, Math.floor((this.options.queryTimeoutMs * 0.8) / 1000));
    try {
      await connection.run('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
      await connection.run(`SET SESSION sql_mode = '${sqlMode}', innodb_lock_wait_timeout = ${lockSeconds}`);
      this.prepared.add(raw);
    } catch (error) {
      connection.release();
      throw error;
    }
  }
}
