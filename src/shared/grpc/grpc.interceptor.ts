import {
  Metadata,
  ResponderBuilder,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  ServerListenerBuilder,
  status,
} from '@grpc/grpc-js';
import { guarded } from '../async/guarded';
import { addressOf, type Peers } from '../connections/peers';
import { headersOf } from '../contract/answer-headers';
import { endSpan, stampTrace } from '../contract/grpc.span';
import { grpcError } from '../contract/grpc.status';
import type { RouteEntry, RouteTable } from '../contract/route-table';
import { AppError } from '../errors/app-error';
import { deadlineExceeded, unavailable } from '../errors/common.errors';
import { toAppError } from '../errors/to-app-error';
import { type RequestContext, runInContext } from '../tracing/request-context';
import type { Tracing } from '../tracing/tracing';
import type { GrpcMetrics } from './grpc.metrics';

type PartialStatusObject = Parameters<ServerInterceptingCallInterface['sendStatus']>[0];

const maxMetadataBytes = 16 * 1024;
const defaultDeadlineMs = 5000;
const maxDeadlineMs = 10_000;
const idleMs = 60_000;
// Streams of ours end by themselves when the process leaves; whatever is left then is ended here, but for lasting ones.
const leaveMs = 500;

export interface InterceptorParts {
  readonly routes: RouteTable;
  readonly metrics: GrpcMetrics;
  readonly peers: Peers;
  readonly tracing: Tracing;
  /** Decides, before the message is decoded, whether this caller may; names the caller. @throws AppError when not */
  readonly admit: (path: string, metadata: Metadata, host: string) => true | Promise<true>;
  /** Fires when the process begins to leave. */
  readonly draining: AbortSignal;
  /** Is told what a callback of a call threw. */
  readonly failed: (error: unknown) => void;
}

/**
 * Surrounds every gRPC call, those of health and reflection, too: trace id, metadata limit, who may call,
 * deadline, trailers, metrics, and the end of streams when the process leaves.
 */
export function grpcInterceptor(parts: InterceptorParts): ServerInterceptor {
  const { routes, metrics, draining, failed } = parts;
  const open = new Set<CallAround>();
  const leave = guarded(
    () =>
      setTimeout(
        guarded(() => endAll(open), failed),
        leaveMs,
      ).unref(),
    failed,
  );
  draining.addEventListener('abort', leave, { once: true });
  return (method, call) => {
    const observed = metrics.begin(method.path);
    const entry = routes.grpc(method.path);
    const around = new CallAround(method.path, parts, {
      entry,
      hot: entry?.route?.hot === true,
      unary: !method.requestStream && !method.responseStream,
      // Those of features watch their own time.
      idles: method.requestStream && entry === undefined,
    });
    open.add(around);
    const responder = new ResponderBuilder()
      .withStart((next) => next(around.listener()))
      .withSendMetadata((metadata, next) => next(around.stamp(metadata)))
      .withSendMessage((message, next) => next(around.answered(message)))
      .withSendStatus((sent, next) => {
        const code = around.cancelled ? status.CANCELLED : (sent.code ?? status.UNKNOWN);
        around.end(code);
        open.delete(around);
        observed(code);
        next(around.trailers(sent));
      })
      .build();
    const intercepted = new ServerInterceptingCall(call, responder);
    around.surround(intercepted, () => open.delete(around));
    return intercepted;
  };
}

function endAll(open: ReadonlySet<CallAround>): void {
  for (const around of open) around.leave();
}

interface CallKind {
  /** Undefined for health and reflection. */
  readonly entry: RouteEntry | undefined;
  readonly hot: boolean;
  readonly unary: boolean;
  /** Ended when no message comes for a minute. */
  readonly idles: boolean;
}

class CallAround {
  /** The caller has left; what is sent after that reaches nobody. */
  cancelled = false;
  // One object for the whole call: who calls is known by it.
  private context: RequestContext = { traceId: '' };
  private told: Readonly<Record<string, string>> = {};
  private timer: NodeJS.Timeout | undefined;
  private call: ServerInterceptingCall | undefined;
  private forget: () => void = () => undefined;
  private received = false;
  // When the caller no longer waits, monotonic; of a stream nobody knows.
  private ends = Number.POSITIVE_INFINITY;

  constructor(
    private readonly path: string,
    private readonly parts: InterceptorParts,
    private readonly kind: CallKind,
  ) {}

  listener() {
    const inContext = (next: () => void): void => (this.kind.hot ? next() : runInContext(this.context, next));
    return new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, next) => {
        const { traceId, span } = stampTrace(this.parts.tracing, this.kind.unary ? this.path : undefined, metadata);
        const { kind, ends } = this;
        this.context = kind.hot ? { traceId, span } : { traceId, span, peer: this.peerOf(metadata), ends };
        if (sizeOf(metadata) > maxMetadataBytes)
          this.refuse(new AppError('too_large', 'body_too_large', 'metadata: is larger than 16 KiB'));
        else inContext(() => this.admit(metadata, next));
      })
      .withOnReceiveMessage((message, next) => {
        this.arrived();
        inContext(() => next(message));
      })
      .withOnReceiveHalfClose((next) => inContext(next))
      .withOnCancel(() => {
        this.cancelled = true;
        this.end(status.CANCELLED);
        this.forget();
      })
      .build();
  }

  /**
   * `call` is what all of this is around. A unary one ends after its deadline, 5 s unless told and 10 s at most; so does a
   * stream whose first message is not whole by then. `forget` is called when the caller leaves.
   */
  surround(call: ServerInterceptingCall, forget: () => void): void {
    this.call = call;
    this.forget = forget;
    const asked = Number(call.getDeadline()) - Date.now();
    const ms = Number.isFinite(asked) ? Math.min(asked, maxDeadlineMs) : defaultDeadlineMs;
    if (this.kind.unary) this.ends = performance.now() + ms;
    this.endAfter(Math.max(0, ms), deadlineExceeded());
  }

  /** The process leaves: a stream ends, and a call whose message has not come is not waited for. */
  leave(): void {
    if (this.kind.entry?.lasting) return;
    if (!this.kind.unary || !this.received) guarded(() => this.refuse(unavailable()), this.parts.failed)();
  }

  stamp(metadata: Metadata): Metadata {
    metadata.set('x-trace-id', this.context.traceId);
    return metadata;
  }

  answered(message: unknown): unknown {
    const { entry } = this.kind;
    if (entry && this.kind.unary && typeof message === 'object' && message !== null)
      this.told = headersOf(message, entry);
    return message;
  }

  trailers(sent: PartialStatusObject): PartialStatusObject {
    const failed = sent.code !== status.OK;
    if (!failed && Object.keys(this.told).length === 0) return sent;
    const metadata = sent.metadata?.clone() ?? new Metadata();
    // A failed call often has no headers but these.
    if (failed) metadata.set('x-trace-id', this.context.traceId);
    for (const [name, value] of Object.entries(this.told)) metadata.set(name, value);
    return { ...sent, metadata };
  }

  end(code?: number): void {
    clearTimeout(this.timer);
    if (code !== undefined) endSpan(this.context.span, code);
  }

  private peerOf(metadata: Metadata): string {
    return this.parts.peers.of(
      addressOf(this.call?.getPeer() ?? ''),
      metadata.get('x-forwarded-for').join(',') || undefined,
    );
  }

  private admit(metadata: Metadata, next: (metadata: Metadata) => void): void {
    const refused = (error: unknown): void => this.refuse(toAppError(error));
    try {
      const admitted = this.parts.admit(this.path, metadata, this.call?.getHost() ?? '');
      if (admitted === true) next(metadata);
      else admitted.then(() => next(metadata)).catch(refused);
    } catch (error) {
      refused(error);
    }
  }

  private arrived(): void {
    this.received = true;
    if (this.kind.unary) return;
    this.end();
    if (this.kind.idles)
      this.endAfter(idleMs, new AppError('deadline', 'deadline_exceeded', `No message for ${idleMs / 1000} seconds`));
  }

  private endAfter(ms: number, error: AppError): void {
    this.timer = setTimeout(
      guarded(() => this.refuse(error), this.parts.failed),
      ms,
    ).unref();
  }

  private refuse(error: AppError): void {
    this.call?.sendStatus(grpcError(error));
  }
}

function sizeOf(metadata: Metadata): number {
  let size = 0;
  for (const [name, values] of Object.entries(metadata.toHttp2Headers())) size += name.length + String(values).length;
  return size;
}
