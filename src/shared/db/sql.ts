import type { EntityManager } from 'typeorm';

/** A value for a `?`. Whole numbers are bound as 64-bit integers on every database. */
export type Value = string | number | boolean | null;

export type DatabaseKind = 'sqlite' | 'postgres' | 'mysql';

/** The type by which a column is bound. 'int' is any whole number up to 2^53-1. */
export type ColumnType = 'text' | 'int';

/** Many rows of one table. Each row has its values in the order of `columns`. */
export interface BulkRows {
  readonly table: string;
  readonly columns: Readonly<Record<string, ColumnType>>;
  /** The columns of the unique index (or primary key) that says which rows are the same. */
  readonly key: readonly string[];
  readonly rows: readonly (readonly Value[])[];
}

/**
 * Rows for the end of a log: a table whose key `seq`, which `columns` leaves out, counts its rows in the order of their
 * COMMITs. On servers the next numbers come from the one row of `counter` (columns id = 1 and last_seq), which is locked
 * until the COMMIT; on SQLite, which has one writer, they are the rowid.
 */
export interface LogRows {
  readonly table: string;
  readonly counter: string;
  readonly columns: Readonly<Record<string, ColumnType>>;
  readonly rows: readonly (readonly Value[])[];
}

/**
 * Rows to insert where new. Elsewhere `add` columns grow by the given number, `set` columns take the given value, and
 * `max` columns take it if it is larger.
 */
export interface UpsertRows extends BulkRows {
  readonly add: readonly string[];
  readonly set: readonly string[];
  readonly max?: readonly string[];
}

/** How the rows of a statement are read: `list` of columns, and `rest` with its parameters where they have to be read back. */
export interface ReadBack {
  readonly list: string;
  readonly rest: string;
  readonly params: readonly Value[];
}

/**
 * One borrowed connection, for the time of one `read` or `transaction`; afterwards it refuses to work. Statements are
 * written with `?` on every database, so a literal must not contain a question mark. Whole numbers arrive as checked
 * JavaScript numbers: beyond 2^53-1 a RangeError is thrown.
 */
export interface Sql {
  readonly kind: DatabaseKind;
  rows<T>(text: string, params?: readonly Value[]): Promise<T[]>;
  /** Runs a statement and answers how many rows it touched (for UPDATE: matched, also those that stay as they are). */
  run(text: string, params?: readonly Value[]): Promise<number>;
  /**
   * Runs a statement whose answer nobody needs. To servers it goes in one round trip with the next one or the COMMIT, which
   * fails in its stead.
   */
  post(text: string, params?: readonly Value[]): Promise<void>;
  /** For `insertNew` of bulk.ts. MySQL tells by the group's id which rows were new. */
  insertRows(rows: BulkRows & { readonly columns: { readonly group_id: 'int' } }): Promise<Set<string>>;
  /** For `upsertAdd` of bulk.ts. */
  upsertRows<T>(rows: UpsertRows, back?: ReadBack): Promise<T[]>;
  /** TypeORM over this connection and in its transaction; it checks no whole number on SQLite. */
  readonly manager: EntityManager;
}
