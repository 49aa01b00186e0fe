import type { MigrationInterface, QueryRunner, Table } from 'typeorm';
import type { ColumnOwner } from './columns';

/**
 * A migration that makes one table. One each: MySQL commits every one at once, so that a migration of several could end
 * half done. `name` ends with its time in milliseconds, by which migrations are ordered.
 */
export function createTable(name: string, table: (type: ColumnOwner) => Table): new () => MigrationInterface {
  return class implements MigrationInterface {
    readonly name = name;

    async up(runner: QueryRunner): Promise<void> {
      await runner.createTable(table(runner.dataSource.options.type));
    }

    async down(runner: QueryRunner): Promise<void> {
      await runner.dropTable(table(runner.dataSource.options.type));
    }
  };
}
