/** A trace, and the span of it that something is part of; without a span nobody records it. */
export interface Trace {
  /** 32 hexadecimal digits, or what a caller has named instead. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId?: string | undefined;
}

const written = /^([0-9a-f]{32})-([0-9a-f]{16})$/;
const writtenLength = 49;

/** As one column keeps both: `<trace id>`, or `<trace id>-<span id>` of what is recorded. */
export function writeTrace({ traceId, spanId }: Trace): string {
  return spanId === undefined ? traceId : `${traceId}-${spanId}`;
}

/** Reads what `writeTrace` has written. */
export function readTrace(text: string): Trace {
  if (text.length !== writtenLength) return { traceId: text };
  const [, traceId, spanId] = written.exec(text) ?? [];
  return traceId === undefined ? { traceId: text } : { traceId, spanId };
}

/** W3C `traceparent` of what is recorded. Source: https://www.w3.org/TR/trace-context/ */
export function traceparentOf(traceId: string, spanId: string): string {
  return `00-${traceId}-${spanId}-01`;
}

/** Says that a trace is not recorded: whoever is asked must not begin to. The parent is nobody's span. */
export function unrecordedParent(traceId: string): string {
  return `00-${traceId}-${traceId.slice(0, 16)}-00`;
}
