import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base';

type Done = Parameters<SpanExporter['export']>[1];

/** Hands spans on, and tells what became of them: the SDK would keep that to itself. */
export class TellingExporter implements SpanExporter {
  constructor(
    private readonly sender: SpanExporter,
    private readonly told: (spans: number, error: Error | undefined) => void,
  ) {}

  export(spans: ReadableSpan[], done: Done): void {
    this.sender.export(spans, (result) => {
      const failed = result.code !== 0;
      this.told(spans.length, failed ? (result.error ?? new Error('The receiver of traces refused them')) : undefined);
      done(result);
    });
  }

  async forceFlush(): Promise<void> {
    await this.sender.forceFlush?.();
  }

  shutdown(): Promise<void> {
    return this.sender.shutdown();
  }
}
