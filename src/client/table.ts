const gap = '   ';

/** Properties of rows in columns, by heading; numbers stand to the right. Without rows there is only `none`. */
export function table<Row extends object>(
  columns: Readonly<Record<string, keyof Row>>,
  rows: readonly Row[],
  none = '',
): string[] {
  if (rows.length === 0) return [none];
  const cells = rows.map((row) => Object.values(columns).map((property) => cellOf(row[property])));
  const headings = Object.keys(columns);
  const widths = headings.map((title, i) => Math.max(title.length, ...cells.map((row) => String(row[i]).length)));
  const pad = (cell: unknown, i: number): string =>
    isNumber(cell) || isNumber(cells[0]?.[i]) ? `${cell}`.padStart(widths[i] ?? 0) : `${cell}`.padEnd(widths[i] ?? 0);
  const rule = widths.map((width) => '-'.repeat(width));
  return [headings, rule, ...cells].map((line) => line.map(pad).join(gap).trimEnd());
}

/** Lines of one page of a list, and how to get the next. */
export function withMore(lines: readonly string[], nextPageToken: string): string[] {
  return nextPageToken === '' ? [...lines] : [...lines, `More: --after ${nextPageToken}`];
}

function cellOf(value: unknown): string | number {
  if (isNumber(value)) return value;
  return Array.isArray(value) ? value.join(' ') : String(value ?? '');
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}
