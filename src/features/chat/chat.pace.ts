const windowMs = 1000;
const slowAbove = 10;
const closeAt = 50;

/** How fast a client may speak: ten times a second; whoever tries it fifty times is closed. */
export class ChatClientPace {
  private began = Number.NEGATIVE_INFINITY;
  private count = 0;

  /** One thing more, at `now` on the monotonic clock. */
  take(now: number): 'ok' | 'slow' | 'close' {
    if (now - this.began >= windowMs) {
      this.began = now;
      this.count = 0;
    }
    this.count += 1;
    if (this.count >= closeAt) return 'close';
    return this.count > slowAbove ? 'slow' : 'ok';
  }

  /** What it has just asked for costs as much as so many things more. */
  charge(more: number): void {
    this.count += more;
  }

  /** Milliseconds until it may speak again. */
  waitMs(now: number): number {
    return Math.max(1, Math.ceil(this.began + windowMs - now));
  }
}
