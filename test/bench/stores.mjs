// The databases that are measured on: SQLite in a temporary folder, or a server of the bench's own, as the tests start one.
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import pg from 'pg';
import { support } from '../support/typescript.mjs';
import { temporaryFolder } from './folders.mjs';

const { BetterSqlite3 } = support('sqlite');

/** `kind`: sqlite, postgres, mariadb, or the URL of a running server in which databases may be made. */
export function openStore(kind) {
  if (kind === 'sqlite') return new SqliteStore();
  return kind.includes('://') ? ServerStore.at(kind) : ServerStore.start(kind);
}

class SqliteStore {
  dialect = 'sqlite';
  version = new BetterSqlite3(':memory:').prepare('SELECT sqlite_version()').pluck().get();

  /** An empty database; answers its URL. */
  create() {
    return `sqlite:${join(temporaryFolder(), 'aerie.db')}`;
  }

  /** What its files take on the disk: the journal has one of its own. */
  bytes(url) {
    const folder = dirname(url.slice('sqlite:'.length));
    const files = readdirSync(folder).filter((name) => name.endsWith('.db'));
    return files.reduce((sum, name) => sum + sqliteBytes(join(folder, name)), 0);
  }

  close() {}
}

const programs = {
  postgres: { needs: ['initdb', 'postgres'], start: 'startPostgres' },
  mariadb: { needs: ['mariadb-install-db', 'mariadbd'], start: 'startMariadb' },
};

class ServerStore {
  #made = [];

  static async start(kind) {
    const { needs, start } = programs[kind];
    const { ensurePrograms, pathOf } = support('programs');
    ensurePrograms(needs);
    const said = execFileSync(pathOf(needs.at(-1)), ['--version'], { encoding: 'utf8' });
    const [version] = /\d+\.\d+(\.\d+)?/.exec(said) ?? [said.trim()];
    const server = await support('servers')[start]();
    return new ServerStore(kind, version, server.url, server);
  }

  static at(url) {
    const dialect = url.startsWith('postgres') ? 'postgres' : 'mariadb';
    return new ServerStore(dialect, 'a server that was given', url);
  }

  constructor(dialect, version, url, server) {
    this.dialect = dialect;
    this.version = version;
    this.url = url;
    this.server = server;
  }

  async create() {
    const url = await support('servers').createDatabase(this.url);
    this.#made.push(url);
    return url;
  }

  /** What a database takes on the disk. */
  async bytes(url) {
    return this.dialect === 'postgres' ? postgresBytes(url) : mariadbBytes(url);
  }

  async close() {
    if (this.server) return this.server[Symbol.asyncDispose]();
    for (const url of this.#made) await support('servers').dropDatabase(this.url, url);
    return undefined;
  }
}

function sqliteBytes(file) {
  const database = new BetterSqlite3(file, { readonly: true });
  const bytes = database.pragma('page_count', { simple: true }) * database.pragma('page_size', { simple: true });
  database.close();
  return bytes;
}

async function postgresBytes(connectionString) {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    const { rows } = await client.query('SELECT pg_database_size(current_database()) AS bytes');
    return Number(rows[0].bytes);
  } finally {
    await client.end();
  }
}

async function mariadbBytes(url) {
  const connection = await createConnection(url);
  try {
    const [rows] = await connection.query(
      "SELECT SUM(file_size) AS bytes FROM information_schema.innodb_sys_tablespaces WHERE name LIKE CONCAT(DATABASE(), '/%')",
    );
    return Number(rows[0].bytes);
  } finally {
    await connection.end();
  }
}
