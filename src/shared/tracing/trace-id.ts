import { randomFillSync } from 'node:crypto';
import { readTrace, type Trace } from './trace';

const traceparent = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const foreignId = /^[A-Za-z0-9_.-]{1,64}$/;
const ownId = /^[0-9a-f]{32}$/;
const anyCaseId = /^[0-9a-f]{32}$/i;
const noTrace = '0'.repeat(32);
const noSpan = '0'.repeat(16);
const recordedFlag = 1;

const idBytes = 16;
// One call for each id would cost a microsecond.
const random = Buffer.alloc(256 * idBytes);
let used = random.length;

/** 32 random hexadecimal digits: a counter would tell everybody how many requests there are. */
export function newTraceId(): string {
  if (used === random.length) {
    randomFillSync(random);
    used = 0;
  }
  used += idBytes;
  return random.toString('hex', used - idBytes, used);
}

/** A trace of its own, which nobody records. */
export function newTrace(): Trace {
  return { traceId: newTraceId() };
}

/**
 * The trace id of an incoming call: W3C `traceparent` first, else `X-Trace-ID`, else a new one. A spelling that is
 * neither is replaced, not refused: tracing must not fail a request.
 * Source: https://www.w3.org/TR/trace-context/
 */
export function traceIdFrom(parent: unknown, traceId: unknown): string {
  if (typeof parent === 'string') {
    const id = traceparent.exec(parent)?.[1];
    if (id !== undefined && id !== noTrace) return id;
  }
  if (typeof traceId === 'string' && traceId !== noTrace && foreignId.test(traceId)) {
    // Of a client that spells hexadecimal digits in capitals: recorded like any other.
    if (anyCaseId.test(traceId)) return traceId.toLowerCase();
    if (readTrace(traceId).spanId === undefined) return traceId;
  }
  return newTraceId();
}

/** True for an id that a trace can be recorded under: a caller may also name one of another form. */
export function isTraceId(text: string): boolean {
  return text.length === noTrace.length && text !== noTrace && ownId.test(text);
}

/** The span that a `traceparent` names, and whether it is recorded; undefined where it names none. */
export function parentIn(header: unknown): { readonly spanId: string; readonly recorded: boolean } | undefined {
  if (typeof header !== 'string') return undefined;
  const [, traceId, spanId, flags = '00'] = traceparent.exec(header) ?? [];
  if (spanId === undefined || traceId === noTrace || spanId === noSpan) return undefined;
  return { spanId, recorded: (Number.parseInt(flags, 16) & recordedFlag) !== 0 };
}
