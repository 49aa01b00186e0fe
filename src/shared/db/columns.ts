import { type ColumnType, type DataSourceOptions, TableColumn, type TableColumnOptions } from 'typeorm';

/** `runner.dataSource.options.type` of the migration that asks. */
export type ColumnOwner = DataSourceOptions['type'];
type Extra = Pick<TableColumnOptions, 'isNullable' | 'default' | 'isPrimary'>;
type Kind = 'sequence' | 'text' | 'longText' | 'integer' | 'bigint';

/** Answers the type of a column on this kind of database, for migrations and for entities alike. */
export function columnType(
  type: ColumnOwner,
  kind: Kind,
): { type: ColumnType & string; charset?: string; collation?: string } {
  const mysql = type === 'mysql' || type === 'mariadb';
  // Text is compared and ordered byte by byte everywhere: MySQL's default takes "a" for "A", PostgreSQL's follows a language.
  const binary = mysql
    ? { charset: 'utf8mb4', collation: 'utf8mb4_bin' }
    : { collation: type === 'postgres' ? 'C' : 'BINARY' };
  switch (kind) {
    case 'sequence':
      // SQLite counts up by itself in a column of exactly this type.
      return { type: type === 'better-sqlite3' ? 'integer' : 'bigint' };
    case 'text':
      return { type: 'varchar', ...binary };
    case 'longText':
      return { type: mysql ? 'mediumtext' : 'text', ...binary };
    case 'integer':
      return { type: mysql ? 'int' : 'integer' };
    case 'bigint':
      return { type: 'bigint' };
  }
}

/** An integer primary key that the database counts up. Numbers may be skipped and may commit out of order. */
export function sequence(type: ColumnOwner, name = 'seq'): TableColumn {
  const generated = { isPrimary: true, isGenerated: true, generationStrategy: 'increment' } as const;
  return new TableColumn({ name, ...columnType(type, 'sequence'), ...generated });
}

/**
 * Text of at most `length` characters, compared byte by byte. May be in an index. MySQL ignores spaces at the end when
 * it compares, so a key must not end with one.
 */
export function text(type: ColumnOwner, name: string, length: number, extra: Extra = {}): TableColumn {
  return new TableColumn({ name, ...columnType(type, 'text'), length: String(length), ...extra });
}

/** Text of any length (MySQL: 16 MB), compared byte by byte. Not for an index. */
export function longText(type: ColumnOwner, name: string, extra: Extra = {}): TableColumn {
  return new TableColumn({ name, ...columnType(type, 'longText'), ...extra });
}

/** A whole number of 32 bits. */
export function integer(type: ColumnOwner, name: string, extra: Extra = {}): TableColumn {
  return new TableColumn({ name, ...columnType(type, 'integer'), ...extra });
}

/** A whole number up to 2^53-1; times are epoch milliseconds. */
export function bigint(type: ColumnOwner, name: string, extra: Extra = {}): TableColumn {
  return new TableColumn({ name, ...columnType(type, 'bigint'), ...extra });
}
