import {
  Metadata,
  ResponderBuilder,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  ServerListenerBuilder,
  status,
} from '@grpc/grpc-js';
import { AppError } from '../errors/app-error';
import { deadlineExceeded } from '../errors/common.errors';
import { type RequestContext, runInContext } from '../tracing/request-context';
import { traceIdFrom } from '../tracing/trace-id';
import { infoOf } from './answer';
import type { GrpcMetrics } from './grpc.metrics';
import { grpcError } from './grpc.status';
import { addressOf, type Peers } from './peer';
import type { RouteTable } from './route-table';

type PartialStatusObject = Parameters<ServerInterceptingCallInterface['sendStatus']>[0];

const maxMetadataBytes = 16 * 1024;
const defaultDeadlineMs = 5000;
const maxDeadlineMs = 10_000;

/** What happens around every gRPC call: trace id, metadata limit, deadline, trailers, metrics. */
export function grpcInterceptor(routes: RouteTable, metrics: GrpcMetrics, peers: Peers): ServerInterceptor {
  return (method, call) => {
    const observed = metrics.begin(method.path);
    const hot = routes.grpc(method.path)?.route?.hot === true;
    const around = new CallAround(hot, (metadata) =>
      peers.of(addressOf(call.getPeer()), metadata.get('x-forwarded-for').join(',') || undefined),
    );
    const responder = new ResponderBuilder()
      .withStart((next) => next(around.listener()))
      .withSendMetadata((metadata, next) => next(around.stamp(metadata)))
      .withSendMessage((message, next) => next(around.answered(message)))
      .withSendStatus((sent, next) => {
        around.end();
        observed(around.cancelled ? status.CANCELLED : (sent.code ?? status.UNKNOWN));
        next(around.trailers(sent));
      })
      .build();
    const intercepted = new ServerInterceptingCall(call, responder);
    around.surround(intercepted, !method.requestStream && !method.responseStream);
    return intercepted;
  };
}

class CallAround {
  /** The caller has left; what is sent after that reaches nobody. */
  cancelled = false;
  // One object for the whole call: who calls is known by it.
  private context: RequestContext = { traceId: '' };
  private replayed = false;
  private headers: Readonly<Record<string, string>> = {};
  private timer: NodeJS.Timeout | undefined;
  private call: ServerInterceptingCall | undefined;

  constructor(
    private readonly hot: boolean,
    private readonly peerOf: (metadata: Metadata) => string,
  ) {}

  listener() {
    const inContext = (next: () => void): void => (this.hot ? next() : runInContext(this.context, next));
    return new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, next) => {
        const traceId = traceIdFrom(metadata.get('traceparent')[0], metadata.get('x-trace-id')[0]);
        this.context = this.hot ? { traceId } : { traceId, peer: this.peerOf(metadata) };
        metadata.set('x-trace-id', traceId);
        if (sizeOf(metadata) > maxMetadataBytes)
          this.refuse(new AppError('too_large', 'body_too_large', 'metadata: is larger than 16 KiB'));
        else inContext(() => next(metadata));
      })
      .withOnReceiveMessage((message, next) => inContext(() => next(message)))
      .withOnReceiveHalfClose((next) => inContext(next))
      .withOnCancel(() => {
        this.cancelled = true;
        this.end();
      })
      .build();
  }

  /** `call` is what all of this is around. A unary one ends after its deadline: 5 s unless told, 10 s at most. */
  surround(call: ServerInterceptingCall, unary: boolean): void {
    this.call = call;
    if (!unary) return;
    const asked = Number(call.getDeadline()) - Date.now();
    const ms = Number.isFinite(asked) ? Math.min(asked, maxDeadlineMs) : defaultDeadlineMs;
    this.timer = setTimeout(() => this.refuse(deadlineExceeded()), Math.max(0, ms)).unref();
  }

  stamp(metadata: Metadata): Metadata {
    metadata.set('x-trace-id', this.context.traceId);
    return metadata;
  }

  answered(message: unknown): unknown {
    const info = infoOf(message);
    this.replayed = info?.replayed ?? false;
    this.headers = info?.headers ?? {};
    return message;
  }

  trailers(sent: PartialStatusObject): PartialStatusObject {
    const failed = sent.code !== status.OK;
    if (!failed && !this.replayed && Object.keys(this.headers).length === 0) return sent;
    const metadata = sent.metadata?.clone() ?? new Metadata();
    // A failed call often has no headers but these.
    if (failed) metadata.set('x-trace-id', this.context.traceId);
    if (this.replayed) metadata.set('idempotent-replayed', 'true');
    for (const [name, value] of Object.entries(this.headers)) metadata.set(name, value);
    return { ...sent, metadata };
  }

  end(): void {
    clearTimeout(this.timer);
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
