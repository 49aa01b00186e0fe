import type { Database } from './database';
import type { DatabaseKind } from './sql';

/** What an operator should know of a database server, beside that it answers. */
export interface DatabaseFacts {
  readonly version: string;
  /** It takes no changes: a replica, or somebody has made it so. */
  readonly isReadOnly: boolean;
  /** Undefined where there is no such limit. */
  readonly maxConnections: number | undefined;
  /** Settings by which it may forget what it has said to be committed: `fsync = off`. */
  readonly forgetful: readonly string[];
  /** Its clock: milliseconds since 1970. */
  readonly shownAt: number;
}

interface ServerRow {
  readonly version: string;
  readonly read_only: unknown;
  readonly max_connections: unknown;
  readonly first_safety: unknown;
  readonly second_safety: unknown;
  readonly shown: unknown;
}

const texts = {
  postgres: `SELECT current_setting('server_version') AS version,
    CASE WHEN current_setting('transaction_read_only') = 'on' OR pg_is_in_recovery() THEN 1 ELSE 0 END AS read_only,
    current_setting('max_connections') AS max_connections, current_setting('fsync') AS first_safety,
    current_setting('synchronous_commit') AS second_safety,
    CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) AS shown`,
  mysql: `SELECT VERSION() AS version, @@read_only AS read_only, @@max_connections AS max_connections,
    @@innodb_flush_log_at_trx_commit AS first_safety, @@innodb_doublewrite AS second_safety,
    CAST(UNIX_TIMESTAMP(SYSDATE(3)) * 1000 AS SIGNED) AS shown`,
} as const;

/** Asks a connected database about itself. @throws AppError unavailable */
export async function factsOf(database: Database): Promise<DatabaseFacts> {
  const { kind } = database;
  if (kind === 'sqlite') return sqliteFacts(database);
  const [row] = await database.read((sql) => sql.rows<ServerRow>(texts[kind]));
  if (!row) throw new Error('The database has answered nothing about itself');
  return {
    // `15.18 (Debian 15.18-0+deb12u1)`
    version: String(row.version).split(' ', 1)[0] ?? '',
    isReadOnly: Number(row.read_only) === 1,
    maxConnections: Number(row.max_connections),
    forgetful: forgetfulOf(kind, String(row.first_safety), String(row.second_safety)),
    shownAt: Number(row.shown),
  };
}

function forgetfulOf(kind: Exclude<DatabaseKind, 'sqlite'>, first: string, second: string): string[] {
  const found: string[] = [];
  if (kind === 'postgres') {
    if (first === 'off') found.push('fsync = off');
    if (second === 'off') found.push('synchronous_commit = off');
    return found;
  }
  if (first !== '1') found.push(`innodb_flush_log_at_trx_commit = ${first}`);
  if (/^(0|off)$/i.test(second)) found.push(`innodb_doublewrite = ${second}`);
  return found;
}

async function sqliteFacts(database: Database): Promise<DatabaseFacts> {
  const [row] = await database.read((sql) => sql.rows<{ version: string }>('SELECT sqlite_version() AS version'));
  const version = row?.version ?? '';
  return { version, isReadOnly: false, maxConnections: undefined, forgetful: [], shownAt: Date.now() };
}
