import type { RawEnvironment } from './config.raw';

/** Variables that are set and that no process reads, by name: their values are nobody's business. */
export interface Strange {
  /** Nearly the name of a setting, and that one. */
  readonly misspelt: readonly { readonly name: string; readonly meant: string }[];
  /** OpenTelemetry's, which Aerie does not heed. */
  readonly telemetry: readonly string[];
}

// Longer ones are no settings; what is counted grows with the square of it.
const maxLength = 64;
const longName = 10;
// As Kubernetes sets them for every service there is.
const serviceLink = /^(tcp|udp|sctp):\/\//i;

/** What of the environment looks like a setting of these names and is none. */
export function strangeIn(environment: RawEnvironment, names: readonly string[]): Strange {
  const unknown = Object.entries(environment)
    .filter(([name, value = '']) => value !== '' && !serviceLink.test(value) && !names.includes(name))
    .map(([name]) => name)
    .filter((name) => name.length <= maxLength)
    .sort();
  const misspelt = unknown.flatMap((name) => {
    const meant = names.find((known) => isNearly(name, known));
    return meant === undefined ? [] : [{ name, meant }];
  });
  const told = new Set(misspelt.map(({ name }) => name));
  return { misspelt, telemetry: unknown.filter((name) => name.startsWith('OTEL_') && !told.has(name)) };
}

/** One letter more, less or other, or two that have changed places; in a long name twice. */
function isNearly(name: string, known: string): boolean {
  const most = known.length < longName ? 1 : 2;
  return Math.abs(name.length - known.length) <= most && distance(name, known) <= most;
}

/** Edit distance by optimal string alignment. */
function distance(a: string, b: string): number {
  let [before, last]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_, i) => i)];
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      const at = (of: readonly number[], k: number): number => of[k] ?? Number.POSITIVE_INFINITY;
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? at(before, j - 2) + 1 : Number.POSITIVE_INFINITY;
      row.push(Math.min(at(last, j) + 1, at(row, j - 1) + 1, at(last, j - 1) + same, swapped));
    }
    [before, last] = [last, row];
  }
  return last[b.length] ?? 0;
}
