import type { Trace } from './trace';

/** What a span is about, by OpenTelemetry's names. */
export type SpanKind = 'server' | 'client' | 'producer' | 'consumer' | 'internal';

/** By OpenTelemetry's semantic conventions. Nothing of a person, and nothing that a caller has sent. */
export type Attributes = Readonly<Record<string, string | number | boolean>>;

/** Something that takes time, and is recorded. */
export abstract class Span implements Trace {
  abstract readonly traceId: string;
  abstract readonly spanId: string;

  /** Begins what is done for it. */
  abstract child(name: string, kind: SpanKind, attributes?: Attributes): Span;

  /** Once. `error`: a code, or the name of a class, of what went wrong; never a message, which may hold anything. */
  abstract end(error?: string, attributes?: Attributes): void;
}
