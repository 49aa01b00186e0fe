import { randomBytes } from 'node:crypto';
import { arrayOf, arrayTypes } from './postgres.statements';
import { checkNumber } from './safe-integer';
import type { BulkRows, DatabaseKind, ReadBack, Sql, UpsertRows, Value } from './sql';

/** Part of a statement, with its parameters. */
export interface Condition {
  readonly text: string;
  readonly params: readonly Value[];
}

/** `groupId`: a whole number, random per group of rows, stored in the column `group_id`, which `columns` leaves out. */
export interface NewRows extends BulkRows {
  readonly groupId: number;
}

/** A random whole number up to 2^53-1, by which a group knows its rows again. */
export function newGroupId(): number {
  const bytes = randomBytes(7);
  return bytes.readUIntBE(1, 6) * 32 + (bytes.readUInt8(0) & 31);
}

/** The key of a row as the sets of this file hold it: the text of its one key column, or several joined by NUL. */
export function keyOf(values: readonly Value[]): string {
  return values.length === 1 ? String(values[0]) : values.join('\0');
}

/** The positions of the key columns in a row. */
export function keyPlaces(bulk: BulkRows): number[] {
  const names = Object.keys(bulk.columns);
  return bulk.key.map((name) => {
    const place = names.indexOf(name);
    if (place < 0) throw new Error(`${name} is no column of ${bulk.table}`);
    return place;
  });
}

function byKey(bulk: BulkRows): Map<string, readonly Value[]> {
  const places = keyPlaces(bulk);
  const [only = 0] = places;
  const first = new Map<string, readonly Value[]>();
  for (const row of bulk.rows) {
    const key = places.length === 1 ? String(row[only]) : keyOf(places.map((place) => row[place] ?? null));
    if (!first.has(key)) first.set(key, row);
  }
  return first;
}

// Every group takes its locks in one order, or two groups with the same keys wait for each other for ever.
function sorted(rows: ReadonlyMap<string, readonly Value[]>): (readonly Value[])[] {
  return [...rows.keys()].sort().map((key) => rows.get(key) ?? []);
}

/**
 * Inserts the rows whose key is not there yet and answers the keys that this very call inserted (`keyOf`). Of two rows
 * with one key in `rows` the first counts. Rows that are there stay as they are; they may have been committed after this
 * transaction began. A duplicate in another unique index is an error.
 */
export async function insertNew(tx: Sql, bulk: NewRows): Promise<Set<string>> {
  if (bulk.rows.length === 0) return new Set();
  const groupId = checkNumber(bulk.groupId);
  const rows = sorted(byKey(bulk)).map((row) => [...row, groupId]);
  return tx.insertRows({ ...bulk, columns: { ...bulk.columns, group_id: 'int' }, rows });
}

/**
 * Inserts rows, or where the key is there changes the `add`, `set` and `max` columns. With `back` it answers all of them as
 * they are then: from the statement itself, on MySQL by reading them.
 */
export async function upsertAdd<T>(tx: Sql, bulk: UpsertRows, back?: ReadBack): Promise<T[]> {
  if (bulk.rows.length === 0) return [];
  return tx.upsertRows<T>({ ...bulk, rows: sorted(merged(bulk)) }, back);
}

// One statement may touch a row once only (PostgreSQL refuses more), so rows with one key become one.
function merged(bulk: UpsertRows): Map<string, readonly Value[]> {
  const places = keyPlaces(bulk);
  const combines = Object.keys(bulk.columns).map((name) => combination(bulk, name));
  const result = new Map<string, Value[]>();
  for (const row of bulk.rows) {
    const key = keyOf(places.map((place) => row[place] ?? null));
    const before = result.get(key);
    const next = before ? row.map((value, i) => combines[i]?.(Number(before[i]), Number(value)) ?? value) : [...row];
    result.set(key, next);
  }
  return result;
}

function combination(bulk: UpsertRows, column: string): ((before: number, value: number) => number) | undefined {
  if (bulk.add.includes(column)) return (before, value) => before + value;
  return bulk.max?.includes(column) ? Math.max : undefined;
}

/**
 * A condition that a column has one of these values, all texts or all whole numbers, with its parameters: an array on
 * PostgreSQL, so that its text is the same for any number. Elsewhere `IN (?,?,...)`, whose length is rounded up to a power of
 * two by repeating the last value, so that few texts have to be prepared. No value gives a list that nothing is in. At most
 * 16,000 values: databases bound the number of parameters.
 */
export function inList(kind: DatabaseKind, values: readonly Value[]): Condition {
  if (values.length > 16_000) throw new RangeError('A list of more than 16000 values has to be cut into parts');
  if (kind === 'postgres') return inArray(values);
  const last = values.at(-1) ?? null;
  const length = 2 ** Math.ceil(Math.log2(Math.max(values.length, 1)));
  const params = [...values, ...new Array<Value>(length - values.length).fill(last)];
  return { text: `IN (?${',?'.repeat(length - 1)})`, params };
}

function inArray(values: readonly Value[]): Condition {
  const type = typeof values[0] === 'number' ? 'int' : 'text';
  return { text: `= ANY(?::${arrayTypes[type]})`, params: [arrayOf(values, type)] };
}
