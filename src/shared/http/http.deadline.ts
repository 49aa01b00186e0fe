import { guarded } from '../async/guarded';
import { type Replying, sendError } from '../contract/http.error-body';
import { deadlineExceeded } from '../errors/common.errors';

/** How long a handler may take to begin its answer. */
export const handlerLimitMs = 5000;
const sweepMs = 250;

interface Handling {
  readonly reply: Replying;
  readonly traceId: string;
  readonly since: number;
}

/**
 * Answers 504 for requests whose handler has not begun to answer within `limitMs`, a quarter of a second late at most.
 * How long the caller takes to read an answer is not the handler's time. One timer for all: a timer and an
 * AbortController for each request, as Fastify's own `handlerTimeout` has them, cost more than parsing the request.
 */
export class HandlerDeadline {
  // In order of arrival, so a sweep looks at the expired ones and one more.
  private readonly open = new Map<object, Handling>();
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly limitMs: number,
    private readonly failed: (error: unknown) => void,
  ) {
    this.timer = setInterval(
      guarded(() => this.sweep(), failed),
      sweepMs,
    ).unref();
  }

  begin(request: object, reply: Replying, traceId: string): void {
    this.open.set(request, { reply, traceId, since: performance.now() });
  }

  end(request: object): void {
    this.open.delete(request);
  }

  close(): void {
    clearInterval(this.timer);
  }

  private sweep(): void {
    const expired = performance.now() - this.limitMs;
    for (const [request, { reply, traceId, since }] of this.open) {
      if (since > expired) return;
      this.open.delete(request);
      guarded(() => sendError(reply, deadlineExceeded(), traceId), this.failed)();
    }
  }
}
