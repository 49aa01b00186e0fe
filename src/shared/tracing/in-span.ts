import { currentContext, runInContext } from './request-context';
import type { Attributes, Span, SpanKind } from './span';

/** Runs `work` as a span of what is recorded here; where nothing is, that costs a look. */
export function inSpan<T>(name: string, kind: SpanKind, attributes: Attributes, work: () => Promise<T>): Promise<T> {
  const parent = currentContext()?.span;
  return parent ? runSpan(parent.child(name, kind, attributes), work) : work();
}

/** Runs `work` within a span, and ends it. What is done meanwhile is part of it. */
export async function runSpan<T>(span: Span, work: () => Promise<T>): Promise<T> {
  try {
    const result = await runInContext({ ...currentContext(), traceId: span.traceId, span }, work);
    span.end();
    return result;
  } catch (error) {
    span.end(kindOfError(error));
    throw error;
  }
}

/** A word for what went wrong. */
export function kindOfError(error: unknown): string {
  const { code, name } = (error ?? {}) as { readonly code?: unknown; readonly name?: unknown };
  if (typeof code === 'string' && code.length <= 64) return code;
  return typeof name === 'string' ? name : 'Error';
}
