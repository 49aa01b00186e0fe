import type { Attributes, Span, SpanKind } from './span';
import type { Trace } from './trace';

/** Work that is done at once for several traces. */
export interface GroupWork<T> {
  readonly name: string;
  readonly kind: SpanKind;
  /** Whose work it is; most of them are not recorded. */
  readonly traces: readonly Partial<Trace>[];
  readonly attributes?: Attributes;
  readonly work: () => Promise<T>;
}

/** Begins spans where work comes in; what is done for them begins where it is done, by `inSpan`. */
export abstract class Tracing {
  /**
   * A request that has come in. Null: it is not recorded, and whoever is asked for it must not record it either; undefined:
   * nothing is recorded in this process. `traceparent`: the header, as it came.
   */
  abstract request(
    name: string,
    traceId: string,
    traceparent: unknown,
    attributes?: Attributes,
  ): Span | null | undefined;

  /**
   * Runs the work of a group: as a span of the first of its traces that are recorded, linked to the others, each of which has
   * a span that links to it.
   */
  abstract group<T>(group: GroupWork<T>): Promise<T>;

  /** Sends what was not sent yet, for a second at most. */
  abstract close(): Promise<void>;
}

/** Where nobody is told. */
export class SilentTracing extends Tracing {
  override request(): undefined {
    return undefined;
  }

  override group<T>({ work }: GroupWork<T>): Promise<T> {
    return work();
  }

  override async close(): Promise<void> {
    return;
  }
}
