import { detach, guarded } from '../async/guarded';
import { resourceBusy } from '../errors/common.errors';
import type { Held } from './lock';

/** Ends a lock: `returned` by its holder, who waits for it, or `lost` because its time was over. */
export type Ending = (how: 'returned' | 'lost') => Promise<void>;

/** Holds a lock until it is given back, or until `until` on the monotonic clock: after that others are let in. */
export class Holder implements Held {
  private readonly timer: NodeJS.Timeout;
  private held = true;

  constructor(
    private readonly until: number,
    private readonly end: Ending,
  ) {
    this.timer = setTimeout(
      guarded(() => this.lose()),
      until - performance.now(),
    ).unref();
  }

  check(): void {
    // The timer is late when the thread was busy or the process was stopped.
    if (performance.now() >= this.until) this.lose();
    if (!this.held) throw resourceBusy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (performance.now() >= this.until) this.lose();
    if (!this.held) return;
    this.held = false;
    clearTimeout(this.timer);
    await this.end('returned');
  }

  private lose(): void {
    if (!this.held) return;
    this.held = false;
    clearTimeout(this.timer);
    detach(this.end('lost'));
  }
}
