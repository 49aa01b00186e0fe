import type { DataSource, DataSourceOptions } from 'typeorm';
import { detach, guarded } from '../async/guarded';
import { within } from '../async/within';
import type { Connection } from './connection';
import type { Priority } from './gate';
import type { DatabaseKind, Value } from './sql';

export interface DialectOptions {
  readonly poolMin: number;
  readonly poolMax: number;
  readonly connectTimeoutMs: number;
  readonly queryTimeoutMs: number;
  /** SQLite: its statements run in the thread of the callers, who then do not wait for another one. */
  readonly here?: boolean;
  /** Hears what goes wrong where nobody waits for it; `event` is the name of a line in the log. */
  readonly trouble?: (error: unknown, event: string) => void;
}

/** Reads of very many rows: for a caller who waits, or for a start that reads whole tables. */
export type Lane = 'questions' | 'loading';

/** What a connection is borrowed for: single statements that read, or anything. */
export type Purpose = 'read' | 'write';

/** Runs single statements beside the connections. Rejects with `unavailable` when there is no answer in time. */
export interface Reader {
  rows<T>(text: string, params: readonly Value[], limitMs: number): Promise<T[]>;
  close(): Promise<void>;
}

/** Makes and lends the connections of one kind of database. Its statements are in its connections. */
export abstract class Dialect {
  abstract readonly kind: DatabaseKind;
  /** A statement that fails when the database cannot answer. */
  abstract readonly pingText: string;
  /** TypeORM's options, without entities and migrations. */
  abstract dataSourceOptions(): DataSourceOptions;
  /** These run statements that read very many rows; without one they run on a connection like any other. */
  readonly readers: Readonly<Partial<Record<Lane, Reader>>> = {};
  /** Keeps off other processes, where a database belongs to one. @throws Error when another one has it */
  claim(): void {}

  /**
   * Moves here the tables that an earlier version kept in the file `from`; true when there were some.
   * @throws Error when another process has that file, or part of it is in both
   */
  adopt(_from: string, _tables: readonly string[], _migrations: readonly string[]): boolean {
    return false;
  }

  /** Gives back what was claimed. */
  release(): void {}

  /** Before TypeORM connects. */
  async open(): Promise<void> {}

  /** Ends what runs beside the connections. */
  async close(): Promise<void> {
    for (const reader of Object.values(this.readers)) await reader.close();
  }

  /** After the last connection was given back. */
  async end(): Promise<void> {}

  /** Borrows a connection. `limitMs` bounds the wait for it and each of its statements. */
  abstract acquire(
    dataSource: DataSource,
    limitMs: number,
    priority?: Priority,
    purpose?: Purpose,
  ): Promise<Connection>;
}

/**
 * The value of `work` if it comes in time; one that comes later is given back, and an error of that is told. When `work`
 * fails later, its caller has had an error already.
 */
export function inTime<T>(work: Promise<T>, limitMs: number, giveBack: (late: T) => unknown): Promise<T> {
  return within(work, limitMs, () => detach(work.then(guarded(giveBack), () => undefined)));
}
