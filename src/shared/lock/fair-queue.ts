import { guarded } from '../async/guarded';

/** Lets the next one in. Calling it again does nothing. */
export type Leave = () => void;

interface Waiter {
  readonly enter: (leave: Leave) => void;
  readonly timer: NodeJS.Timeout;
}

/** Lets one in at a time for each key, in the order of arrival; holds so many waiters, of all keys together. */
export class FairQueue {
  private readonly waiters = new Map<string, Set<Waiter>>();
  private waiting = 0;

  constructor(private readonly maxWaiting: number) {}

  /** `full`: nobody else may wait, said at once. `late`: `waitMs` have passed. */
  enter(key: string, waitMs: number): Promise<Leave | 'full' | 'late'> {
    const others = this.waiters.get(key);
    if (!others) {
      this.waiters.set(key, new Set());
      return Promise.resolve(this.leaveOnce(key));
    }
    if (this.waiting >= this.maxWaiting) return Promise.resolve('full');
    return this.wait(others, waitMs);
  }

  private wait(others: Set<Waiter>, waitMs: number): Promise<Leave | 'late'> {
    this.waiting += 1;
    return new Promise((resolve) => {
      const late = guarded(() => {
        others.delete(waiter);
        this.waiting -= 1;
        resolve('late');
      });
      const timer = setTimeout(late, waitMs);
      const waiter: Waiter = { enter: resolve, timer };
      others.add(waiter);
    });
  }

  private leaveOnce(key: string): Leave {
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.letIn(key);
    };
  }

  private letIn(key: string): void {
    const others = this.waiters.get(key);
    const [next] = others ?? [];
    if (!others || !next) {
      this.waiters.delete(key);
      return;
    }
    others.delete(next);
    clearTimeout(next.timer);
    this.waiting -= 1;
    next.enter(this.leaveOnce(key));
  }
}
