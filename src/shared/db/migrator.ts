import { setTimeout as sleep } from 'node:timers/promises';
import { type DataSource, type Migration, MigrationExecutor } from 'typeorm';
import type { Connection } from './connection';
import { isRetryable } from './db.errors';
import type { DatabaseKind } from './sql';
import type { PreparedMigration } from './table.migration';

const limitMs = 120_000;
// Whoever waits for a table that is being changed gets it meanwhile.
const restMs = 500;

/** Borrows a connection for as long as `work` takes. */
interface Lend {
  <T>(work: (connection: Connection) => Promise<T>): Promise<T>;
  /** So many at once. */
  readonly connections: number;
}

/** Runs those migrations alone that are named. */
class SomeMigrations extends MigrationExecutor {
  only: string | undefined;

  protected override getMigrations(): Migration[] {
    return super.getMigrations().filter(({ name }) => this.only === undefined || name === this.only);
  }
}

/**
 * Brings the schema of a database up to date, one process at a time. While others work with its tables each migration is
 * a transaction of its own, which gives way when a table is in use for two seconds: whoever came after it waits as long.
 * @returns the names of the migrations that it ran
 * @throws the database's error, once a table has been in use for two minutes
 */
export async function migrate(dataSource: DataSource, kind: DatabaseKind, lend: Lend): Promise<string[]> {
  const names: string[] = [];
  let until = performance.now() + limitMs;
  for (;;) {
    try {
      const { ran, isDone } = await lend((connection) =>
        connection.exclusively(limitMs, () => step({ dataSource, kind, lend }, connection)),
      );
      names.push(...ran);
      // Each has its time.
      until = performance.now() + limitMs;
      if (isDone) return names;
    } catch (error) {
      if (!isRetryable(error) || performance.now() > until) throw error;
      await sleep(restMs);
    }
  }
}

interface Migrated {
  readonly dataSource: DataSource;
  readonly kind: DatabaseKind;
  readonly lend: Lend;
}

/** On another connection than the one that keeps off other migrations, since that one is in a transaction. */
async function prepare(instance: Partial<PreparedMigration> | undefined, lend: Lend): Promise<void> {
  const { prepare: work } = instance ?? {};
  // Without a second connection `up` does it all, and others wait.
  if (work && lend.connections > 1)
    await lend((connection) => connection.unhurried(() => work.call(instance, connection.runner)));
}

/** All at once where nobody works yet: in a new database, and on SQLite, which belongs to one process. */
async function step({ dataSource, kind, lend }: Migrated, { runner }: Connection) {
  const executor = new SomeMigrations(dataSource, runner);
  // MySQL ends a transaction with every change of a table; elsewhere the lock is one.
  executor.transaction = kind === 'mysql' ? 'each' : 'all';
  const pending = await executor.getPendingMigrations();
  const isIdle = kind === 'sqlite' || (await executor.getExecutedMigrations()).length === 0;
  if (!isIdle) executor.only = pending[0]?.name;
  // A statement of the simple protocol: the portal of one before it would hold a snapshot that an index waits for.
  if (!isIdle && kind === 'postgres') await runner.query('SELECT 1');
  if (!isIdle) await prepare(pending[0]?.instance, lend);
  const ran = pending.length === 0 ? [] : await executor.executePendingMigrations();
  return { ran: ran.map(({ name }) => name), isDone: isIdle || pending.length <= 1 };
}
