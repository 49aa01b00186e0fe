// The numbers of the last quarter of an hour, of each process that has answered.

const keptMs = 900_000;
const maxProcesses = 16;

export class History {
  #samples = new Map();
  /** The process whose numbers are shown. */
  shown;

  /** A look at a process. Two looks at the same answer are one. */
  add(stats, now = Date.now()) {
    const { processId: id } = stats;
    const of = this.#samples.get(id) ?? [];
    if (of.at(-1)?.stats?.asOf !== stats.asOf) of.push({ at: now, stats });
    this.#samples.delete(id);
    this.#samples.set(id, of);
    this.#forget(now);
    if (!this.#samples.has(this.shown)) this.shown = id;
  }

  /** Nobody has answered: a gap in every line. */
  miss(now = Date.now()) {
    for (const of of this.#samples.values()) if (of.at(-1)?.stats) of.push({ at: now });
    this.#forget(now);
  }

  /** `[id, name]` of each process. */
  get processes() {
    return [...this.#samples].map(([id, of]) => [id, of.findLast(({ stats }) => stats)?.stats.process ?? id]).sort();
  }

  /** The newest numbers. */
  get latest() {
    return this.#shownSamples.findLast(({ stats }) => stats)?.stats;
  }

  /** Seconds since 1970, for each look. */
  get times() {
    return this.#shownSamples.map(({ at }) => at / 1000);
  }

  /** What `pick` finds in each look; null in a gap. */
  levels(pick) {
    return this.#shownSamples.map(({ stats }) => (stats ? (pick(stats) ?? null) : null));
  }

  /** By how much what `pick` counts has grown a second, between each look and the one before it. */
  rates(pick) {
    let before;
    return this.#shownSamples.map(({ stats }) => {
      const [from, to] = [before, stats];
      before = stats ?? before;
      if (!from || !to) return null;
      const seconds = (Date.parse(to.asOf) - Date.parse(from.asOf)) / 1000;
      return seconds > 0 ? Math.max(0, (pick(to) - pick(from)) / seconds) : null;
    });
  }

  get #shownSamples() {
    return this.#samples.get(this.shown) ?? [];
  }

  /** What is too old, and whoever was silent for as long. */
  #forget(now) {
    for (const [id, of] of this.#samples) {
      while (of.length > 0 && of[0].at < now - keptMs) of.shift();
      if (!of.some(({ stats }) => stats)) this.#samples.delete(id);
    }
    while (this.#samples.size > maxProcesses) this.#samples.delete(this.#samples.keys().next().value);
  }
}

/** The count under a name; 0 where there is none yet. */
export function countOf(counts, name) {
  return counts.find((one) => one.name === name)?.count ?? 0;
}

export function total(counts) {
  return counts.reduce((sum, { count }) => sum + count, 0);
}
