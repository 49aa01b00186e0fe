import type BetterSqlite3 from 'better-sqlite3';
import { checkNumber } from './safe-integer';
import type { Value } from './sql';

const maxStatements = 500;

type Bound = string | number | bigint | null;

/** The open SQLite database with its prepared statements. */
export class SqliteStatements {
  private level: 'NORMAL' | 'FULL' = 'FULL';
  private readonly prepared = new Map<string, BetterSqlite3.Statement<Bound[]>>();

  constructor(readonly database: BetterSqlite3.Database) {}

  get open(): boolean {
    return this.database.open;
  }

  prepare(text: string): BetterSqlite3.Statement<Bound[]> {
    const known = this.prepared.get(text);
    if (known) return known;
    if (this.prepared.size >= maxStatements) this.prepared.clear();
    const statement = this.database.prepare<Bound[]>(text);
    this.prepared.set(text, statement);
    return statement;
  }

  /** FULL: a COMMIT waits for the disk. NORMAL: for the operating system. Not within a transaction. */
  synchronous(level: 'NORMAL' | 'FULL'): void {
    if (level === this.level) return;
    this.database.pragma(`synchronous = ${level}`);
    this.level = level;
  }

  /** The number of rows that this connection has changed so far. */
  changes(): number {
    if (!this.open) return 0;
    const { changes } = this.database.prepare<[], { changes: number }>('SELECT total_changes() AS changes').get() ?? {};
    return changes ?? 0;
  }

  /** After a schema change: a prepared `SELECT *` would keep its old columns. */
  forget(): void {
    this.prepared.clear();
  }
}

/** As the driver takes it. It binds a number as a float, and then `? / 1000` would not be a division of integers. */
export function bind(value: Value): Bound {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(checkNumber(value)) : checkNumber(value);
  return typeof value === 'boolean' ? BigInt(value) : value;
}

/** As the driver takes it for a column that is declared integer or text: SQLite turns a whole float into an integer there. */
export function bindColumn(value: Value): Bound {
  if (typeof value === 'number') return checkNumber(value);
  return typeof value === 'boolean' ? Number(value) : value;
}

/** The driver rounds integers beyond 2^53; what it rounded is itself beyond it. */
export function checkRow(row: unknown): unknown {
  for (const value of Object.values(row as object)) if (typeof value === 'number') checkNumber(value);
  return row;
}
