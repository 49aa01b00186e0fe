import { type ClientDuplexStream, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import type { Call, CallAnswer, ExchangeRequest, ExchangeResponse } from '../../generated/aerie/calls/v1/calls';
import { guarded } from '../async/guarded';
import { maxGroupBytes } from '../contract/calls';
import { fromGrpcError } from '../contract/grpc.status';
import { deadlineExceeded, unavailable } from '../errors/common.errors';
import { outsideRequests } from '../tracing/request-context';

type Stream = ClientDuplexStream<ExchangeRequest, ExchangeResponse>;

/** One call as it travels; the answer is what a unary call would have brought. */
export interface Exchanged {
  readonly path: string;
  readonly message: Buffer;
  readonly metadata: Readonly<Record<string, string>>;
  /** Milliseconds. */
  readonly ms: number;
}

export interface Answered {
  readonly message: Buffer;
  readonly trailers: Metadata;
}

/** The other side serves no exchange, or has not read the call: it has not been done, and may travel by itself. */
export class NotExchanged extends Error {}

interface Waiting {
  readonly resolve: (answer: Answered) => void;
  readonly reject: (error: unknown) => void;
  readonly timer: NodeJS.Timeout;
  /** On which it was sent. */
  stream?: Stream;
}

// Beyond it callers are told so; what waits here has not been sent.
const maxWaiting = 5000;
// So long calls travel one by one when there was no stream to be had: an older server, one that leaves.
const restMs = 1000;
const olderMs = 60_000;
// A name may have several addresses: each new stream goes to the next one.
const maxAgeMs = 30_000;

/**
 * Calls to one address in groups, on one stream: what is called in one turn of the event loop travels together. Where there
 * is no stream `usable` is false, and calls go by themselves.
 */
export class Exchange {
  private stream: Stream | undefined;
  private waiting = new Map<number, Waiting>();
  private queue: Call[] = [];
  private next = 0;
  private flushing = false;
  private congested = false;
  private restsUntil = Number.NEGATIVE_INFINITY;
  private openedAt = 0;

  constructor(private readonly open: () => Stream) {}

  get usable(): boolean {
    return performance.now() >= this.restsUntil;
  }

  /** @throws the ServiceError of the call; NotExchanged; AppError unavailable, deadline_exceeded with a cause: nobody answered */
  call({ path, message, metadata, ms }: Exchanged): Promise<Answered> {
    if (this.waiting.size >= maxWaiting) return Promise.reject(unavailable(new Error('Too many calls wait')));
    this.next = (this.next + 1) % 2 ** 32;
    const id = this.next;
    return new Promise((resolve, reject) => {
      const late = guarded(() => this.settle(id)?.reject(deadlineExceeded(new Error('No answer in time'))));
      this.waiting.set(id, { resolve, reject, timer: setTimeout(late, Math.max(1, ms)) });
      this.queue.push({ id, path, message, metadata, timeoutMs: Math.max(1, Math.round(ms)) });
      this.flushSoon();
    });
  }

  close(): void {
    this.stream?.cancel();
    for (const id of [...this.waiting.keys()]) this.settle(id)?.reject(unavailable(new Error('This process stops')));
  }

  private flushSoon(): void {
    if (this.flushing || this.congested) return;
    this.flushing = true;
    outsideRequests(() => setImmediate(guarded(() => this.flush())));
  }

  /** Sends what is there, no more than the peer reads. */
  private flush(): void {
    this.flushing = false;
    const stream = this.current();
    while (this.queue.length > 0 && !this.congested) {
      const calls: Call[] = [];
      for (let bytes = 0; this.queue.length > 0 && bytes < maxGroupBytes; ) {
        const call = this.queue[0] as Call;
        if (calls.length > 0 && bytes + call.message.length > maxGroupBytes) break;
        this.queue.shift();
        const waiting = this.waiting.get(call.id);
        // Whoever has given up is not asked for.
        if (!waiting) continue;
        waiting.stream = stream;
        bytes += call.message.length;
        calls.push(call);
      }
      if (calls.length > 0 && !stream.write({ calls })) this.congested = true;
    }
  }

  private current(): Stream {
    const isOld = performance.now() - this.openedAt > maxAgeMs;
    if (this.stream && !isOld) return this.stream;
    // What it was asked is still answered.
    this.stream?.end();
    const stream = this.open();
    this.stream = stream;
    this.openedAt = performance.now();
    this.congested = false;
    stream.on(
      'data',
      guarded(({ answers, leaving }: ExchangeResponse) => {
        if (leaving) this.leave(stream);
        for (const answer of answers) this.answered(answer);
      }),
    );
    stream.on(
      'drain',
      guarded(() => {
        if (stream !== this.stream) return;
        this.congested = false;
        this.flushSoon();
      }),
    );
    stream.on(
      'error',
      guarded((error: ServiceError) => this.failed(stream, error)),
    );
    stream.on(
      'end',
      guarded(() => this.lose(stream, unavailable(new Error('The stream has ended')))),
    );
    return stream;
  }

  private answered({ id, code, details, message, trailers, statusDetails }: CallAnswer): void {
    const waiting = this.settle(id);
    if (!waiting) return;
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(trailers)) metadata.set(name, value);
    if (statusDetails.length > 0) metadata.set('grpc-status-details-bin', statusDetails as Buffer);
    if (code === status.OK) waiting.resolve({ message: message as Buffer, trailers: metadata });
    else waiting.reject(Object.assign(new Error(details), { code, details, metadata }));
  }

  /** Further calls go by themselves for a while; those that were sent are answered. */
  private leave(stream: Stream): void {
    if (stream !== this.stream) return;
    this.restsUntil = performance.now() + restMs;
    this.stream = undefined;
    this.openedAt = 0;
    stream.end();
  }

  private failed(stream: Stream, error: ServiceError): void {
    // A server of an earlier version knows no exchange.
    const isOlder = error.code === status.UNIMPLEMENTED;
    if (isOlder) this.restsUntil = performance.now() + olderMs;
    this.lose(stream, isOlder ? new NotExchanged(error.details) : (fromGrpcError(error) ?? unavailable(error)));
  }

  /** Nobody knows what became of the calls that were on it. */
  private lose(stream: Stream, error: unknown): void {
    const lost = [...this.waiting].filter(([, waiting]) => waiting.stream === stream);
    for (const [id] of lost) this.settle(id)?.reject(error);
    if (stream !== this.stream) return;
    this.stream = undefined;
    this.congested = false;
    if (this.queue.length > 0) this.flushSoon();
  }

  private settle(id: number): Waiting | undefined {
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    clearTimeout(waiting?.timer);
    return waiting;
  }
}
