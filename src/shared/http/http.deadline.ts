import type { FastifyReply, FastifyRequest } from 'fastify';
import { guarded } from '../async/guarded';
import { sendError } from '../contract/http.error-body';
import { deadlineExceeded } from '../errors/common.errors';

const sweepMs = 250;

/**
 * Answers 504 for requests whose handler has not begun to answer within `limitMs`, a quarter of a second late at most.
 * How long the caller takes to read an answer is not the handler's time. One timer for all: a timer and an
 * AbortController for each request, as Fastify's own `handlerTimeout` has them, cost more than parsing the request.
 */
export class HandlerDeadline {
  // In order of arrival, so a sweep looks at the expired ones and one more.
  private readonly open = new Map<FastifyRequest, { readonly reply: FastifyReply; readonly since: number }>();
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

  begin(request: FastifyRequest, reply: FastifyReply): void {
    this.open.set(request, { reply, since: performance.now() });
  }

  end(request: FastifyRequest): void {
    this.open.delete(request);
  }

  close(): void {
    clearInterval(this.timer);
  }

  private sweep(): void {
    const expired = performance.now() - this.limitMs;
    for (const [request, { reply, since }] of this.open) {
      if (since > expired) return;
      this.open.delete(request);
      guarded(() => sendError(reply, deadlineExceeded(), request.traceId), this.failed)();
    }
  }
}
