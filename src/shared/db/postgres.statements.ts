import { checkNumber } from './safe-integer';
import type { ColumnType, Value } from './sql';

const maxTexts = 2000;
const maxNames = 300;
const texts = new Map<string, string>();
const names = new Map<string, string>();

function signature(params: readonly Value[]): string {
  let types = '';
  for (const param of params) {
    const whole = typeof param === 'boolean' || (typeof param === 'number' && Number.isInteger(param));
    types += whole ? 'i' : typeof param === 'number' ? 'f' : 's';
  }
  return types;
}

const casts: Record<string, string> = { i: '::bigint', f: '::float8', s: '' };

/**
 * The text with `$n` for `?`. Numbers are cast: PostgreSQL would take the type of what stands beside them, and a time in
 * milliseconds added to a small integer would not fit.
 */
export function numbered(text: string, params: readonly Value[]): string {
  if (params.length === 0) return text;
  const types = signature(params);
  const key = `${types} ${text}`;
  const known = texts.get(key);
  if (known !== undefined) return known;
  let place = 0;
  const result = text.replace(/\?/g, () => {
    place += 1;
    return `$${place}${casts[types[place - 1] ?? 's']}`;
  });
  if (texts.size >= maxTexts) texts.clear();
  texts.set(key, result);
  return result;
}

export function bind(value: Value): string | number | null {
  if (typeof value === 'number') return checkNumber(value);
  return typeof value === 'boolean' ? Number(value) : value;
}

// A plan is kept with its name. One that was made for a small table may read all of it, and goes on to do so until the table
// is analysed: a minute after the first start at best. Rows with this very key are found in one way however many there are.
const planned = /[<>]|\b(ANY|IN|LIKE|BETWEEN|JOIN|ORDER BY|GROUP BY|LIMIT|COUNT|SUM|MAX|MIN|EXISTS|UNION)\b/i;

/**
 * The name under which a statement is prepared once per connection, which saves the server more than most statements cost.
 * Undefined for what is no query, for what needs a plan of its own each time, and for texts beyond the first 300: each is
 * kept by every connection.
 */
export function nameOf(text: string): string | undefined {
  const known = names.get(text);
  if (known !== undefined || names.size >= maxNames) return known;
  if (!/^(SELECT|INSERT|UPDATE|DELETE|WITH)\b/.test(text) || planned.test(text)) return undefined;
  const name = `aerie_${names.size}`;
  names.set(text, name);
  return name;
}

/** The types of arrays, by that of a column. */
export const arrayTypes = { int: 'bigint[]', text: 'text[]' } as const;

/** One column of many rows as PostgreSQL's array literal. */
export function columnOf(rows: readonly (readonly Value[])[], place: number, type: ColumnType): string {
  return arrayOf(
    rows.map((row) => row[place] ?? null),
    type,
  );
}

/** PostgreSQL's array literal, built here because pg's own takes twice the time. */
export function arrayOf(values: readonly Value[], type: ColumnType): string {
  const quote = type === 'text' ? quoted : plain;
  let literal = '{';
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i] ?? null;
    literal += (i > 0 ? ',' : '') + (value === null ? 'NULL' : quote(value));
  }
  return `${literal}}`;
}

function plain(value: Value): string {
  return String(checkNumber(Number(value)));
}

function quoted(value: Value): string {
  const text = String(value);
  return `"${/["\\]/.test(text) ? text.replace(/["\\]/g, '\\$&') : text}"`;
}
