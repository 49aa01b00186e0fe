import { randomFillSync } from 'node:crypto';

const traceparent = /^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/;
const foreignId = /^[A-Za-z0-9_.-]{1,64}$/;
const noTrace = '0'.repeat(32);

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
