import { type DataSourceOptions, TableColumn, type TableColumnOptions } from 'typeorm';

/** `runner.dataSource.options.type` of the migration that asks. */
export type ColumnOwner = DataSourceOptions['type'];
type Extra = Pick<TableColumnOptions, 'isNullable' | 'default' | 'isPrimary'>;

// Text is compared and ordered byte by byte everywhere: MySQL's default takes "a" for "A", PostgreSQL's follows a language.
function binary(type: ColumnOwner): Partial<TableColumnOptions> {
  if (type === 'mysql' || type === 'mariadb') return { charset: 'utf8mb4', collation: 'utf8mb4_bin' };
  return { collation: type === 'postgres' ? 'C' : 'BINARY' };
}

/** An integer primary key that the database counts up. Numbers may be skipped and may commit out of order. */
export function sequence(type: ColumnOwner, name = 'seq'): TableColumn {
  const generated = { isPrimary: true, isGenerated: true, generationStrategy: 'increment' } as const;
  // SQLite counts up by itself in a column of exactly this type.
  return new TableColumn({ name, type: type === 'better-sqlite3' ? 'integer' : 'bigint', ...generated });
}

/**
 * Text of at most `length` characters, compared byte by byte. May be in an index. MySQL ignores spaces at the end when
 * it compares, so a key must not end with one.
 */
export function text(type: ColumnOwner, name: string, length: number, extra: Extra = {}): TableColumn {
  return new TableColumn({ name, type: 'varchar', length: String(length), ...binary(type), ...extra });
}

/** Text of any length (MySQL: 16 MB), compared byte by byte. Not for an index. */
export function longText(type: ColumnOwner, name: string, extra: Extra = {}): TableColumn {
  return new TableColumn({
    name,
    type: type === 'mysql' || type === 'mariadb' ? 'mediumtext' : 'text',
    ...binary(type),
    ...extra,
  });
}

/** A whole number of 32 bits. */
export function integer(type: ColumnOwner, name: string, extra: Extra = {}): TableColumn {
  return new TableColumn({ name, type: type === 'mysql' || type === 'mariadb' ? 'int' : 'integer', ...extra });
}

/** A whole number up to 2^53-1; times are epoch milliseconds. */
export function bigint(_type: ColumnOwner, name: string, extra: Extra = {}): TableColumn {
  return new TableColumn({ name, type: 'bigint', ...extra });
}
