import { outsideRequests } from '../tracing/request-context';
import { pause } from './pause';

export interface LoopOptions {
  /** Milliseconds before the first round, and between one and the next. */
  readonly everyMs: number;
  /** One round; `true`: there is more to do, come again in a moment. */
  readonly work: () => Promise<unknown>;
  /** Is told of a round that failed; the next one comes all the same. */
  readonly failed: (error: unknown) => void;
  /** The first round comes at once. */
  readonly atOnce?: true;
}

const momentMs = 100;

/** Work that a process does again and again from start to stop, one round after another. */
export class Loop {
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;

  constructor(private readonly options: LoopOptions) {}

  start(): void {
    this.running = outsideRequests(() => this.run());
  }

  /** Resolves when the round that is under way is done. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    const { everyMs, atOnce } = this.options;
    if (!atOnce) await pause(everyMs, signal);
    while (!signal.aborted) await pause((await this.round()) === true ? momentMs : everyMs, signal);
  }

  private async round(): Promise<unknown> {
    try {
      return await this.options.work();
    } catch (error) {
      this.options.failed(error);
      return undefined;
    }
  }
}
