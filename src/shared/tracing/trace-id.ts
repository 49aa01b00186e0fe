import { randomBytes } from 'node:crypto';

const traceparent = /^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/;
const foreignId = /^[A-Za-z0-9_.-]{1,64}$/;
const noTrace = '0'.repeat(32);

// Random bytes for every request cost a microsecond; a random prefix with a counter is as unique.
const prefix = randomBytes(8).toString('hex');
let counter = randomBytes(4).readUInt32BE();

export function newTraceId(): string {
  counter += 1;
  return prefix + counter.toString(16).padStart(16, '0');
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
  if (typeof traceId === 'string' && foreignId.test(traceId)) return traceId;
  return newTraceId();
}
