import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDatabase, dropDatabase } from './servers';

/** An empty database that is removed with the test. */
export interface TestDatabase extends AsyncDisposable {
  readonly url: string;
}

/** A kind of database on which every repository must behave alike; for `describe.each`. */
export interface DatabaseKind {
  readonly name: 'sqlite' | 'postgres' | 'mysql';
  create(): Promise<TestDatabase>;
}

async function createSqlite(): Promise<TestDatabase> {
  const folder = await mkdtemp(join(tmpdir(), 'aerie-sqlite-'));
  return {
    url: `sqlite:${join(folder, 'aerie.db')}`,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Where the journal is: on SQLite it has a file of its own. */
export function journalUrl(url: string): string {
  return url.startsWith('sqlite:') ? url.replace(/\.db$/, '.events.db') : url;
}

function inServer(variable: 'TEST_POSTGRES_URL' | 'TEST_MYSQL_URL') {
  return async (): Promise<TestDatabase> => {
    const server = process.env[variable];
    if (!server) throw new Error(`${variable} is not set: run this suite with npm test, which starts the servers`);
    const url = await createDatabase(server);
    return { url, [Symbol.asyncDispose]: () => dropDatabase(server, url) };
  };
}

/** The databases on which everything runs. MariaDB stands for MySQL. */
export const everyDatabase: readonly DatabaseKind[] = [
  { name: 'sqlite', create: createSqlite },
  { name: 'postgres', create: inServer('TEST_POSTGRES_URL') },
  { name: 'mysql', create: inServer('TEST_MYSQL_URL') },
];

/** The databases that are servers of their own: they can be killed, frozen, and have concurrent connections. */
export const everyServer = everyDatabase.filter(({ name }) => name !== 'sqlite');
