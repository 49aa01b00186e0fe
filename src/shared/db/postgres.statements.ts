import { checkNumber } from './safe-integer';
import type { ColumnType, Value } from './sql';

const maxTexts = 2000;
const texts = new Map<string, string>();
const names = new Map<string, string>();
let named = 0;

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

/** The name under which a statement is prepared once per connection; only for texts of which there are few. */
export function nameOf(text: string): string {
  const known = names.get(text);
  if (known) return known;
  return rename(text);
}

/** Another name, under which connections prepare the statement anew: with the tables as they are now. */
export function rename(text: string): string {
  named += 1;
  const name = `aerie_${named}`;
  names.set(text, name);
  return name;
}

/** One column of many rows as PostgreSQL's array literal. Built here because pg's own takes twice the time. */
export function arrayOf(rows: readonly (readonly Value[])[], place: number, type: ColumnType): string {
  const quote = type === 'text' ? quoted : plain;
  let literal = '{';
  for (let i = 0; i < rows.length; i += 1) {
    const value = rows[i]?.[place] ?? null;
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
