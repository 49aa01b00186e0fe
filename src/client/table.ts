const gap = '   ';

/** Rows in columns under a heading; numbers to the right. */
export function table(heading: readonly string[], rows: readonly (readonly (string | number)[])[]): string[] {
  const widths = heading.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => String(row[column] ?? '').length)),
  );
  const line = (cells: readonly (string | number)[]): string =>
    cells
      .map((cell, column) => pad(cell, widths[column] ?? 0))
      .join(gap)
      .trimEnd();
  const numeric = heading.map((title, column) => {
    const width = widths[column] ?? 0;
    return typeof rows[0]?.[column] === 'number' ? title.padStart(width) : title.padEnd(width);
  });
  return [numeric.join(gap).trimEnd(), widths.map((width) => '-'.repeat(width)).join(gap), ...rows.map(line)];
}

function pad(cell: string | number, width: number): string {
  return typeof cell === 'number' ? String(cell).padStart(width) : cell.padEnd(width);
}
