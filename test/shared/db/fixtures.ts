import { type MigrationInterface, type QueryRunner, Table } from 'typeorm';
import { bigint, integer, longText, sequence, text } from '../../../src/shared/db/columns';
import { Database, type DatabaseOptions } from '../../../src/shared/db/database';

class CreateThings1700000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    const { type } = runner.dataSource.options;
    const columns = [
      sequence(type),
      text(type, 'id', 64),
      longText(type, 'note', { isNullable: true }),
      bigint(type, 'points'),
      integer(type, 'hits', { default: 0 }),
      bigint(type, 'group_id', { default: 0 }),
    ];
    await runner.createTable(
      new Table({ name: 'things', columns, indices: [{ name: 'things_id', columnNames: ['id'], isUnique: true }] }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('things');
  }
}

class CreatePairs1700000000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    const { type } = runner.dataSource.options;
    const columns = [
      text(type, 'owner', 64, { isPrimary: true }),
      text(type, 'name', 64, { isPrimary: true }),
      bigint(type, 'group_id'),
    ];
    await runner.createTable(new Table({ name: 'pairs', columns }));
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('pairs');
  }
}

export const migrations = [CreateThings1700000000000, CreatePairs1700000000001];

export const things = {
  table: 'things',
  columns: { id: 'text', note: 'text', points: 'int' },
  key: ['id'],
} as const;

/** A Database for tests: short limits, no tables of TypeORM's, two migrations. */
export function databaseAt(url: string, options: Partial<DatabaseOptions> = {}): Database {
  const limits = { poolMin: 1, poolMax: 8, connectTimeoutMs: 5000, queryTimeoutMs: 5000 };
  return new Database({ url, tables: [], migrations, ...limits, ...options });
}

/** Connected, with the tables `things` and `pairs`; closed with the test. */
export async function openAt(url: string, options: Partial<DatabaseOptions> = {}): Promise<Database & AsyncDisposable> {
  const database = databaseAt(url, options);
  await database.connect();
  try {
    await database.migrate();
  } catch (error) {
    await database.close();
    throw error;
  }
  return Object.assign(database, { [Symbol.asyncDispose]: () => database.close() });
}
