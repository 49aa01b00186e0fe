import type { Context } from '@opentelemetry/api';
import type { ReadableSpan, Span, SpanProcessor } from '@opentelemetry/sdk-trace-base';

/** Hands on spans while there is room, and tells of those that there is no room for: the SDK would drop them without a word. */
export class BoundedProcessor implements SpanProcessor {
  private waiting = 0;

  constructor(
    private readonly next: SpanProcessor,
    private readonly max: number,
    private readonly dropped: () => void,
  ) {}

  /** So many were sent, or given up. */
  left(spans: number): void {
    this.waiting -= spans;
  }

  onStart(span: Span, context: Context): void {
    this.next.onStart(span, context);
  }

  onEnd(span: ReadableSpan): void {
    if (this.waiting >= this.max) {
      this.dropped();
      return;
    }
    this.waiting += 1;
    this.next.onEnd(span);
  }

  forceFlush(): Promise<void> {
    return this.next.forceFlush();
  }

  shutdown(): Promise<void> {
    return this.next.shutdown();
  }
}
