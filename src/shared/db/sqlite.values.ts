import { checkNumber } from './safe-integer';
import type { Value } from './sql';

/** A value as the driver takes it. */
export type Bound = string | number | bigint | null;

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
