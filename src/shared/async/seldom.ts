/** Says yes once in `everyMs`: for what happens in crowds and is worth one line in the log. */
export class Seldom {
  private latest = Number.NEGATIVE_INFINITY;

  constructor(private readonly everyMs: number) {}

  now(): boolean {
    const now = performance.now();
    if (now - this.latest < this.everyMs) return false;
    this.latest = now;
    return true;
  }
}
