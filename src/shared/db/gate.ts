import { guarded } from '../async/guarded';
import { TimeLimitError } from '../async/within';
import { unavailable } from '../errors/common.errors';

/** Background work gives way to normal work, for a bounded time. */
export type Priority = 'normal' | 'background';

interface Waiter {
  readonly since: number;
  readonly enter: () => void;
}

const maxWaiting = 10_000;
const backgroundWaitsMs = 100;
const sliceMs = 1;

/** Lets one in at a time, in order of arrival: the pool of a database that has one connection. */
export class Gate {
  private busy = false;
  private readonly waiting: Record<Priority, Set<Waiter>> = { normal: new Set(), background: new Set() };
  private sliceBegan = 0;
  private lastWas: Priority = 'normal';

  /** Resolves when nobody else is inside; rejects after `limitMs`. Every entry needs one `leave`. */
  async enter(priority: Priority, limitMs: number): Promise<void> {
    if (!this.busy) {
      this.busy = true;
      this.sliceBegan = performance.now();
      return;
    }
    const queue = this.waiting[priority];
    if (queue.size >= maxWaiting) throw unavailable(new Error(`${maxWaiting} callers wait for the database`));
    await new Promise<void>((resolve, reject) => {
      const timer = Number.isFinite(limitMs)
        ? setTimeout(
            guarded(() => giveUp()),
            limitMs,
          )
        : undefined;
      const waiter: Waiter = {
        since: performance.now(),
        enter: () => {
          clearTimeout(timer);
          resolve();
        },
      };
      const giveUp = () => {
        queue.delete(waiter);
        reject(new TimeLimitError(limitMs));
      };
      queue.add(waiter);
    });
  }

  leave(): void {
    // SQLite answers without waiting, so a long queue would be served without one look at sockets and timers.
    if (performance.now() - this.sliceBegan < sliceMs) this.admit();
    else setImmediate(guarded(() => this.admit()));
  }

  private admit(): void {
    const now = performance.now();
    if (now - this.sliceBegan >= sliceMs) this.sliceBegan = now;
    const priority = this.whoIsNext(now);
    const [next] = this.waiting[priority];
    if (!next) {
      this.busy = false;
      return;
    }
    this.waiting[priority].delete(next);
    this.lastWas = priority;
    next.enter();
  }

  private whoIsNext(now: number): Priority {
    const [background] = this.waiting.background;
    if (!background) return 'normal';
    if (this.waiting.normal.size === 0) return 'background';
    // After one that had waited long enough, normal work has its turn again: neither side starves.
    return this.lastWas === 'normal' && now - background.since >= backgroundWaitsMs ? 'background' : 'normal';
  }
}
