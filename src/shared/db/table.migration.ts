import type { MigrationInterface, QueryRunner, Table, TableColumn, TableIndex } from 'typeorm';
import type { ColumnOwner } from './columns';

type Step = (runner: QueryRunner) => Promise<void>;

/**
 * A migration with a first part that takes long and keeps nobody waiting. It runs before `up`, outside of any transaction and
 * on a connection of its own, where others may be using the tables; run again it does no harm.
 */
export interface PreparedMigration extends MigrationInterface {
  prepare(runner: QueryRunner): Promise<void>;
}

function migration(name: string, up: Step, down: Step): new () => MigrationInterface {
  return class implements MigrationInterface {
    readonly name = name;
    readonly up = up;
    readonly down = down;
  };
}

/**
 * A migration that makes one table. One each: MySQL commits every one at once, so that a migration of several could end
 * half done; run again it does no harm. `name` ends with its time in milliseconds, by which migrations are ordered.
 */
export function createTable(name: string, table: (type: ColumnOwner) => Table): new () => MigrationInterface {
  return migration(
    name,
    (runner) => runner.createTable(table(runner.dataSource.options.type), true),
    (runner) => runner.dropTable(table(runner.dataSource.options.type)),
  );
}

/** A migration that adds one column, which has a default: an older version goes on writing rows without it. */
export function addColumn(
  name: string,
  table: string,
  column: (type: ColumnOwner) => TableColumn,
): new () => MigrationInterface {
  return migration(
    name,
    async (runner) => {
      const added = column(runner.dataSource.options.type);
      if (!(await runner.hasColumn(table, added.name))) await runner.addColumn(table, added);
    },
    (runner) => runner.dropColumn(table, column(runner.dataSource.options.type)),
  );
}

/** A migration that adds one index: on PostgreSQL while others write to the table, as the other two do by themselves. Its `where` counts on PostgreSQL and SQLite; MySQL has all rows in it. */
export function addIndex(name: string, table: string, index: TableIndex): new () => MigrationInterface {
  const Plain = migration(
    name,
    async (runner) => {
      await dropUnfinished(runner, index.name, '');
      const found = await runner.getTable(table);
      if (!found?.indices.some(({ name: known }) => known === index.name)) await runner.createIndex(table, index);
    },
    (runner) => runner.dropIndex(table, index),
  );
  return class extends Plain implements PreparedMigration {
    prepare(runner: QueryRunner): Promise<void> {
      return runner.dataSource.options.type === 'postgres' ? indexBeside(runner, table, index) : Promise.resolve();
    }
  };
}

/** On PostgreSQL an index that was not finished stays, counts for nothing, and is in the way. */
async function dropUnfinished(runner: QueryRunner, name: string | undefined, how: 'CONCURRENTLY' | ''): Promise<void> {
  if (runner.dataSource.options.type !== 'postgres') return;
  const text = 'SELECT 1 AS found FROM pg_index WHERE indexrelid = to_regclass($1) AND NOT indisvalid';
  const found = await runner.query(text, [name]);
  if (found.length > 0) await runner.query(`DROP INDEX ${how} ${name}`);
}

async function indexBeside(
  runner: QueryRunner,
  table: string,
  { name, columnNames, isUnique, where }: TableIndex,
): Promise<void> {
  await dropUnfinished(runner, name, 'CONCURRENTLY');
  const rest = `${name} ON ${table} (${columnNames.join(', ')})${where ? ` WHERE ${where}` : ''}`;
  await runner.query(`CREATE ${isUnique ? 'UNIQUE ' : ''}INDEX CONCURRENTLY IF NOT EXISTS ${rest}`);
}

/**
 * A migration that lets text columns (NOT NULL, of `text` in columns.ts) hold more. SQLite bounds no text, so there it has
 * nothing to do; run again it does no harm, so one migration may do several.
 */
export function widenText(
  name: string,
  columns: readonly { readonly table: string; readonly column: string; readonly from: number; readonly to: number }[],
): new () => MigrationInterface {
  const change = async (runner: QueryRunner, to: 'from' | 'to'): Promise<void> => {
    const { type } = runner.dataSource.options;
    if (type === 'better-sqlite3') return;
    for (const { table, column, [to]: length } of columns) {
      const wide = `varchar(${length})`;
      await runner.query(
        type === 'postgres'
          ? `ALTER TABLE ${table} ALTER COLUMN ${column} TYPE ${wide} COLLATE "C"`
          : `ALTER TABLE ${table} MODIFY ${column} ${wide} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL`,
      );
    }
  };
  return migration(
    name,
    (runner) => change(runner, 'to'),
    (runner) => change(runner, 'from'),
  );
}
