// The arithmetic of measurements.

/** p50, p95, p99 and max of a list of numbers, which need not be sorted. */
export function quantiles(numbers) {
  const sorted = Float64Array.from(numbers).sort();
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}

export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The median with the least and the greatest: how much rounds differ says how much the median is worth. */
export function spread(numbers) {
  return { median: median(numbers), min: Math.min(...numbers), max: Math.max(...numbers) };
}

/** Latencies of a paced run by the second in which a request was due: a slow start shows in the first ones. */
export function bySecond(dues, latencies) {
  const seconds = [];
  dues.forEach((due, index) => {
    const second = Math.floor(due / 1000);
    seconds[second] ??= [];
    seconds[second].push(latencies[index]);
  });
  return seconds.map((list) => quantiles(list));
}

/** The median of each number that all rows have, and of statuses the sum: one row for several rounds. */
export function medianRow(rows) {
  const [first] = rows;
  const row = {};
  for (const key of Object.keys(first)) {
    const all = rows.map((each) => each[key]);
    if (all.every((each) => typeof each === 'number')) row[key] = median(all);
  }
  if (first.statuses) row.statuses = sumOf(rows.map(({ statuses }) => statuses));
  return row;
}

function sumOf(counts) {
  const sum = {};
  for (const each of counts) for (const [key, count] of Object.entries(each)) sum[key] = (sum[key] ?? 0) + count;
  return sum;
}
