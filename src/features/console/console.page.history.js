// The numbers of the last quarter of an hour, of each process that has answered.

const keptMs = 900_000;
const maxProcesses = 16;
const maxAnswers = 300;
// So many rounds of the others without it: it is gone, or it answers here no longer.
const patience = 3;

export class History {
  #samples = new Map();
  /** Who has answered, in turn. */
  #answers = [];
  /** The process whose numbers are asked for. */
  chosen;

  /** A look at a process. Two looks at the same answer are one. */
  add(stats, now = Date.now()) {
    const { processId: id } = stats;
    const of = this.#samples.get(id) ?? [];
    if (of.at(-1)?.stats?.asOf !== stats.asOf) of.push({ at: now, stats });
    this.#samples.delete(id);
    this.#samples.set(id, of);
    this.#answers = [...this.#answers, id].slice(-maxAnswers);
    this.#forget(now);
    if (!this.#samples.has(this.chosen)) this.chosen = id;
  }

  /** Nobody has answered: a gap in every line. */
  miss(now = Date.now()) {
    for (const of of this.#samples.values()) if (of.at(-1)?.stats) of.push({ at: now });
    this.#forget(now);
  }

  /** The process whose numbers are shown: the one that was asked for, or the last that has answered where that one is silent. */
  get shown() {
    return this.#isSilent(this.chosen) ? this.#answers.at(-1) : this.chosen;
  }

  /** Nobody has answered the last look. */
  get isStale() {
    return this.latest !== undefined && !this.#shownSamples.at(-1).stats;
  }

  /** `[id, name]` of each process that answers. */
  get processes() {
    return [...this.#samples]
      .filter(([id]) => !this.#isSilent(id))
      .map(([id, of]) => [id, of.findLast(({ stats }) => stats)?.stats.process ?? id])
      .sort();
  }

  /** Others answer in its place. In turn with a process are as many as have answered since. */
  #isSilent(id) {
    const since = this.#answers.slice(this.#answers.lastIndexOf(id) + 1);
    return since.length > 0 && since.length >= patience * new Set(since).size;
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
