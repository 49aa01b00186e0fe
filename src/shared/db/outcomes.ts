const windowMs = 10_000;
const slots = 10;
const enough = 10;

/** Counts how the transactions of the last ten seconds ended. */
export class Outcomes {
  private readonly counts = Array.from({ length: slots }, () => ({ slot: -1, good: 0, bad: 0 }));

  add(good: boolean): void {
    const slot = this.now();
    const count = this.counts[slot % slots];
    if (!count) return;
    if (count.slot !== slot) Object.assign(count, { slot, good: 0, bad: 0 });
    count[good ? 'good' : 'bad'] += 1;
  }

  /** More than half of them failed, and there were enough of them to say so. */
  get mostFail(): boolean {
    const oldest = this.now() - slots;
    const recent = this.counts.filter(({ slot }) => slot > oldest);
    const bad = recent.reduce((sum, count) => sum + count.bad, 0);
    const good = recent.reduce((sum, count) => sum + count.good, 0);
    return bad + good >= enough && bad > good;
  }

  private now(): number {
    return Math.floor((performance.now() / windowMs) * slots);
  }
}
