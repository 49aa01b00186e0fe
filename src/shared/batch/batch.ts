import { guarded, type Settle } from '../async/guarded';
import { newGroupId } from '../db/bulk';
import { CommitUnknownError, isTransient } from '../db/db.errors';
import { AppError } from '../errors/app-error';
import { unavailable } from '../errors/common.errors';
import { outsideRequests } from '../tracing/request-context';

/** The work of a batch. All answers are in the order of the items. */
export interface BatchOptions<Item, Answer> {
  /** Items of one group at most. */
  readonly maxItems: number;
  /** Items that may wait, those of the running group not counted; beyond it `unavailable`. */
  readonly maxQueued: number;
  /**
   * Milliseconds from the beginning of one group to that of the next, where nothing has to wait longer anyway: a group has a
   * price of its own, and groups of one or two would spend more on it than on their items.
   */
  readonly spacingMs?: number;
  /** One transaction for all these items. `groupId` is a random whole number, new for each try. */
  commit(items: readonly Item[], groupId: number): Promise<readonly Answer[]>;
  /** After a COMMIT whose answer was lost: what the database holds of these items; undefined where it holds nothing. */
  resolve(items: readonly Item[], groupId: number): Promise<readonly (Answer | undefined)[]>;
}

interface Entry<Item, Answer> {
  readonly item: Item;
  settle(outcome: PromiseSettledResult<Answer>): void;
}

/** One run of a group. `began`: monotonic milliseconds. */
interface Attempt<Item, Answer> {
  readonly group: readonly Entry<Item, Answer>[];
  readonly items: readonly Item[];
  readonly groupId: number;
  readonly began: number;
}

// A conflict is over in less; what takes longer is an outage.
const patienceMs = 500;

/**
 * Group commit: what is submitted while a group commits is the next group; when nothing runs, a group begins at the end
 * of this turn of the event loop, or a moment later (`spacingMs`). No answer comes before the COMMIT of its group. A group that fails for a reason of one
 * item runs again in halves, in order, until every item has an answer or an error of its own.
 */
export class Batcher<Item, Answer> {
  private queue: Entry<Item, Answer>[] = [];
  private running = false;
  private beganAt = Number.NEGATIVE_INFINITY;
  private closed = false;
  private idleWaiters: (() => void)[] = [];

  constructor(private readonly options: BatchOptions<Item, Answer>) {}

  /** Items that wait for their group to begin. */
  get queued(): number {
    return this.queue.length;
  }

  /** Rejects at once with `unavailable` when the queue is full. */
  submit(item: Item): Promise<Answer> {
    if (!this.hasRoom(1)) return Promise.reject(unavailable(new Error('The batch queue is full or closed')));
    return new Promise<Answer>((resolve, reject) => {
      const settle = (outcome: PromiseSettledResult<Answer>) => {
        if (outcome.status === 'fulfilled') resolve(outcome.value);
        else reject(outcome.reason);
      };
      this.queue.push({ item, settle });
      this.schedule();
    });
  }

  /** As `submit`, without a promise. */
  put(item: Item, settled: Settle<Answer>): void {
    if (!this.hasRoom(1)) {
      settled(unavailable(new Error('The batch queue is full or closed')));
      return;
    }
    // What it throws is nothing to the others of its group.
    const settle = guarded((outcome: PromiseSettledResult<Answer>) => {
      if (outcome.status === 'fulfilled') settled(undefined, outcome.value);
      else settled(outcome.reason);
    });
    this.queue.push({ item, settle });
    this.schedule();
  }

  /** Submits all or, when there is no room for all of them, rejects with `unavailable`. */
  submitAll(items: readonly Item[]): Promise<PromiseSettledResult<Answer>[]> {
    if (items.length === 0) return Promise.resolve([]);
    if (!this.hasRoom(items.length)) return Promise.reject(unavailable(new Error('The batch queue is full or closed')));
    return new Promise((resolve) => {
      const outcomes = new Array<PromiseSettledResult<Answer>>(items.length);
      let open = items.length;
      items.forEach((item, place) => {
        const settle = (outcome: PromiseSettledResult<Answer>) => {
          outcomes[place] = outcome;
          open -= 1;
          if (open === 0) resolve(outcomes);
        };
        this.queue.push({ item, settle });
      });
      this.schedule();
    });
  }

  /** Resolves when nothing waits and nothing runs. */
  idle(): Promise<void> {
    if (!this.running) return Promise.resolve();
    return new Promise((resolve) => this.idleWaiters.push(resolve));
  }

  /** Refuses new items from now on and resolves when all that were taken are answered. */
  drain(): Promise<void> {
    this.closed = true;
    return this.idle();
  }

  private hasRoom(count: number): boolean {
    return !this.closed && this.queue.length + count <= this.options.maxQueued;
  }

  private schedule(): void {
    if (this.running) return;
    this.running = true;
    outsideRequests(() => this.nextSoon());
  }

  /** Not at once: answers go out, and what has arrived joins the group. */
  private nextSoon(): void {
    const next = guarded(() => this.next());
    const waitMs = this.beganAt + (this.options.spacingMs ?? 0) - performance.now();
    if (waitMs > 0) setTimeout(next, waitMs);
    else setImmediate(next);
  }

  private async next(): Promise<void> {
    const { maxItems } = this.options;
    this.beganAt = performance.now();
    const group = this.queue.length <= maxItems ? this.queue : this.queue.splice(0, maxItems);
    if (group === this.queue) this.queue = [];
    await this.work(group);
    if (this.queue.length > 0) {
      this.nextSoon();
      return;
    }
    this.running = false;
    for (const resolve of this.idleWaiters.splice(0)) resolve();
  }

  /** Settles every entry of the group; never rejects. */
  private async work(group: readonly Entry<Item, Answer>[]): Promise<void> {
    const items = group.map((entry) => entry.item);
    const groupId = newGroupId();
    const began = performance.now();
    try {
      answer(group, await this.options.commit(items, groupId));
    } catch (error) {
      if (error instanceof CommitUnknownError) await this.resolve({ group, items, groupId, began }, error);
      else if (isTransient(error)) this.giveUp(group, error instanceof AppError ? error : unavailable(error), began);
      else if (group.length === 1) fail(group, error);
      else await this.halve(group);
    }
  }

  private async halve(group: readonly Entry<Item, Answer>[]): Promise<void> {
    const middle = group.length >> 1;
    await this.work(group.slice(0, middle));
    await this.work(group.slice(middle));
  }

  private async resolve({ group, items, groupId, began }: Attempt<Item, Answer>, lost: Error): Promise<void> {
    try {
      const found = await this.options.resolve(items, groupId);
      group.forEach((entry, i) => {
        const value = found[i];
        entry.settle(value === undefined ? { status: 'rejected', reason: lost } : { status: 'fulfilled', value });
      });
    } catch (error) {
      this.giveUp(group, unavailable(error), began);
    }
  }

  /** Whoever waits behind a database that does not answer would learn the same, but only after their own deadline. */
  private giveUp(group: readonly Entry<Item, Answer>[], reason: AppError, began: number): void {
    fail(group, reason);
    if (performance.now() - began > patienceMs) fail(this.queue.splice(0), reason);
  }
}

function answer<Item, Answer>(group: readonly Entry<Item, Answer>[], answers: readonly Answer[]): void {
  if (answers.length !== group.length) {
    // It is committed: running it again would not help.
    fail(group, new Error(`A group of ${group.length} items got ${answers.length} answers`));
    return;
  }
  group.forEach((entry, i) => {
    entry.settle({ status: 'fulfilled', value: answers[i] as Answer });
  });
}

function fail<Item, Answer>(group: readonly Entry<Item, Answer>[], reason: unknown): void {
  for (const entry of group) entry.settle({ status: 'rejected', reason });
}
