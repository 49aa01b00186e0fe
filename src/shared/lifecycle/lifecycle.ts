import { setMaxListeners } from 'node:events';
import { Injectable } from '@nestjs/common';
import { newTraceId } from '../tracing/trace-id';

export type Phase = 'starting' | 'ready' | 'draining';

/** Where this process is between start and end. Only goes forward. */
@Injectable()
export class Lifecycle {
  private current: Phase = 'starting';
  private readonly leaving = new AbortController();
  private readonly warmUps: ((origin: string) => Promise<void>)[] = [];
  private holding: Promise<void> | undefined;
  /** The trace id of this process's own requests before it is ready: they are not counted. Nobody else knows it. */
  readonly warmUpTraceId = newTraceId();

  constructor() {
    // Every stream listens; beyond ten Node would warn of a leak.
    setMaxListeners(0, this.leaving.signal);
  }

  /** Work to be done once the servers listen and before the process is ready. `origin`: where HTTP listens. */
  beforeReady(work: (origin: string) => Promise<void>): void {
    this.warmUps.push(work);
  }

  /** Does what was asked for with `beforeReady`. */
  async warmUp(origin: string): Promise<void> {
    for (const work of this.warmUps) await work(origin);
  }

  get phase(): Phase {
    return this.current;
  }

  /** Fires when the process begins to leave: streams finish what they have and end. */
  get draining(): AbortSignal {
    return this.leaving.signal;
  }

  ready(): void {
    if (this.current === 'starting') this.current = 'ready';
  }

  /** Set while new requests have to wait. */
  get held(): Promise<void> | undefined {
    return this.holding;
  }

  /** Lets new requests wait while `work` runs. */
  async hold(work: () => Promise<void>): Promise<void> {
    let release = (): void => undefined;
    this.holding = new Promise((resolve) => {
      release = resolve;
    });
    try {
      await work();
    } finally {
      this.holding = undefined;
      release();
    }
  }

  drain(): void {
    this.current = 'draining';
    this.leaving.abort();
  }
}
