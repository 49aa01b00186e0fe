import { outsideRequests } from '../tracing/request-context';

/**
 * One call at a time for many callers: whoever comes while it runs waits for the next one, which they all share. So each
 * gets an answer that was asked for after they came.
 */
export class SharedCall<Answer> {
  private running: Promise<Answer> | undefined;
  private next: Promise<Answer> | undefined;

  constructor(private readonly call: () => Promise<Answer>) {}

  run(): Promise<Answer> {
    if (!this.running) return this.start();
    this.next ??= this.running.then(
      () => this.startNext(),
      () => this.startNext(),
    );
    return this.next;
  }

  private startNext(): Promise<Answer> {
    this.next = undefined;
    return this.start();
  }

  private start(): Promise<Answer> {
    const running = outsideRequests(this.call).finally(() => {
      if (this.running === running) this.running = undefined;
    });
    this.running = running;
    return running;
  }
}
