import { AppError } from '../errors/app-error';
import { outsideRequests } from '../tracing/request-context';
import { detach } from './guarded';
import { pause } from './pause';

/** Somebody who is told what is to be seen, at every look. */
export interface Watcher<Seen> {
  tell(seen: Seen): void;
  /** The last that it hears. */
  fail(error: unknown): void;
}

export interface PollOptions<Seen> {
  /** Between two looks. Milliseconds. */
  readonly everyMs: number;
  /** True when what was seen changes no more: then nobody looks again. */
  readonly isFinal: (seen: Seen) => boolean;
}

/**
 * One look at a time at what many watch: however many they are, and as long as there is one. Who comes later is told what
 * was seen last. An error of `look` ends all watches, unless it says that there are too many such looks just now.
 */
export class Poll<Seen> {
  private readonly watchers = new Set<Watcher<Seen>>();
  private left = new AbortController();
  private seen: Seen | undefined;

  constructor(
    private readonly look: () => Promise<Seen>,
    private readonly options: PollOptions<Seen>,
  ) {}

  /** Nobody watches. */
  get idle(): boolean {
    return this.watchers.size === 0;
  }

  /** Answers how to leave. */
  watch(watcher: Watcher<Seen>): () => void {
    this.watchers.add(watcher);
    if (this.watchers.size === 1) this.begin();
    else if (this.seen !== undefined) watcher.tell(this.seen);
    return () => {
      if (this.watchers.delete(watcher) && this.idle) this.left.abort();
    };
  }

  private begin(): void {
    this.left = new AbortController();
    this.seen = undefined;
    outsideRequests(() => detach(this.run(this.left.signal)));
  }

  private async run(until: AbortSignal): Promise<void> {
    while (!until.aborted) {
      try {
        const seen = this.seen !== undefined && this.options.isFinal(this.seen) ? this.seen : await this.look();
        if (until.aborted) return;
        this.seen = seen;
      } catch (error) {
        if (!(error instanceof AppError && error.kind === 'throttled')) return this.fail(error, until);
      }
      // A copy: who is told may leave.
      if (this.seen !== undefined) for (const watcher of [...this.watchers]) watcher.tell(this.seen);
      await pause(this.options.everyMs, until);
    }
  }

  private fail(error: unknown, until: AbortSignal): void {
    if (until.aborted) return;
    const all = [...this.watchers];
    this.watchers.clear();
    for (const watcher of all) watcher.fail(error);
  }
}
