import { Injectable } from '@nestjs/common';

export type Phase = 'starting' | 'ready' | 'draining';

/** Where this process is between start and end. Only goes forward. */
@Injectable()
export class Lifecycle {
  private current: Phase = 'starting';
  private readonly leaving = new AbortController();

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

  drain(): void {
    this.current = 'draining';
    this.leaving.abort();
  }
}
