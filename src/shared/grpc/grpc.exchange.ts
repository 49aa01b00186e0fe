import { Metadata, type Server, type ServerDuplexStream, type ServerUnaryCall, status } from '@grpc/grpc-js';
import type { Call, CallAnswer, ExchangeRequest, ExchangeResponse } from '../../generated/aerie/calls/v1/calls';
import { guarded } from '../async/guarded';
import { headersOf } from '../contract/answer-headers';
import { callsService, maxGroupBytes } from '../contract/calls';
import { endSpan, stampTrace } from '../contract/grpc.span';
import { grpcError } from '../contract/grpc.status';
import type { RouteEntry } from '../contract/route-table';
import { AppError } from '../errors/app-error';
import { deadlineExceeded } from '../errors/common.errors';
import { toAppError } from '../errors/to-app-error';
import { runInContext } from '../tracing/request-context';
import type { InterceptorParts } from './grpc.interceptor';

type ExchangeStream = ServerDuplexStream<ExchangeRequest, ExchangeResponse>;

/** A unary method as grpc-js keeps it. */
interface Handler {
  readonly type: string;
  readonly func: (call: unknown, callback: (error: unknown, answer?: object) => void) => unknown;
  readonly deserialize: (bytes: Buffer) => object;
  readonly serialize: (answer: object) => Buffer;
}

const maxTimeoutMs = 10_000;
// Answered at once on one stream; more are left unread, which the sender feels as back-pressure.
const maxOpen = 1000;

/**
 * Serves calls that come in groups on one stream, each through the handler, guard and limits that it would meet by itself.
 * The stream shows the internal secret once; who has called travels with each call.
 */
export function addExchange(server: Server, parts: InterceptorParts): void {
  server.addService(callsService, {
    exchange: (stream: ExchangeStream) => new ExchangeServer(stream, handlersOf(server), parts).run(),
  });
}

/** grpc-js has no door to its handlers; without them there is no exchange, so their absence is an error. */
function handlersOf(server: Server): ReadonlyMap<string, Handler> {
  const { handlers } = server as unknown as { handlers?: ReadonlyMap<string, Handler> };
  if (!handlers?.size) throw new Error('This version of grpc-js hides its handlers');
  return handlers;
}

class ExchangeServer {
  private readonly answers: CallAnswer[] = [];
  private open = 0;
  private flushing = false;
  private ended = false;
  private halfClosed = false;

  constructor(
    private readonly stream: ExchangeStream,
    private readonly handlers: ReadonlyMap<string, Handler>,
    private readonly parts: InterceptorParts,
  ) {}

  run(): void {
    const { stream, parts } = this;
    const leave = guarded(() => this.write({ answers: [], leaving: true }), parts.failed);
    const end = guarded(() => {
      this.ended = true;
      parts.draining.removeEventListener('abort', leave);
    }, parts.failed);
    stream.on(
      'data',
      guarded(({ calls }: ExchangeRequest) => this.take(calls), parts.failed),
    );
    stream.on(
      'end',
      guarded(() => {
        this.halfClosed = true;
        this.endIfDone();
      }, parts.failed),
    );
    for (const event of ['cancelled', 'error', 'finish']) stream.on(event, end);
    parts.draining.addEventListener('abort', leave);
    if (parts.draining.aborted) leave();
  }

  private take(calls: readonly Call[]): void {
    this.open += calls.length;
    if (this.open >= maxOpen) this.stream.pause();
    for (const call of calls) this.answer(call);
  }

  /** Never throws: one call has nothing to do with the others of its group. */
  private answer(call: Call): void {
    const observed = this.parts.metrics.begin(call.path);
    const settle = guarded((error: unknown, answered?: Partial<CallAnswer>) => {
      const answer = answered ?? failureOf(error);
      observed(answer.code ?? status.OK);
      this.answers.push({
        id: call.id,
        code: 0,
        details: '',
        message: empty,
        trailers: {},
        statusDetails: empty,
        ...answer,
      });
      this.open -= 1;
      this.flushSoon();
    }, this.parts.failed);
    try {
      this.dispatch(call, settle);
    } catch (error) {
      settle(error);
    }
  }

  private dispatch(call: Call, settle: (error: unknown, answered?: Partial<CallAnswer>) => void): void {
    const { routes, admit } = this.parts;
    const entry = routes.grpc(call.path);
    const handler = this.handlers.get(call.path);
    if (!entry || handler?.type !== 'unary')
      throw new AppError('method', 'route_not_found', `${call.path} is not served`);
    const metadata = this.metadataOf(call);
    const { traceId, span } = stampTrace(this.parts.tracing, call.path, metadata);
    const ends = performance.now() + Math.min(call.timeoutMs || maxTimeoutMs, maxTimeoutMs);
    const timer = setTimeout(
      guarded(() => settleOnce(deadlineExceeded()), this.parts.failed),
      ends - performance.now(),
    ).unref();
    let settled = false;
    const settleOnce = (error: unknown, answered?: Partial<CallAnswer>): void => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      endSpan(span, answered ? status.OK : (failureOf(error).code ?? status.UNKNOWN));
      settle(error, answered);
    };
    const handle = async (): Promise<void> => {
      const admitted = admit(call.path, metadata, this.stream.getHost());
      if (admitted !== true) await admitted;
      const request = handler.deserialize(call.message as Buffer);
      const done = guarded((error: unknown, answered?: object) => {
        if (error) settleOnce(error);
        else settleOnce(undefined, answerOf(handler, answered ?? {}, entry));
      }, settleOnce);
      await handler.func(unaryCall(this.stream, call.path, metadata, request), done);
    };
    const run = (): Promise<void> => handle().catch(settleOnce);
    // A hot route goes without a context, here as by itself.
    if (entry.route?.hot) guarded(run, this.parts.failed)();
    else runInContext({ traceId, span, ends }, guarded(run, this.parts.failed));
  }

  /** What the call says of itself, and the secret that the stream has shown. */
  private metadataOf(call: Call): Metadata {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(call.metadata)) metadata.set(name, value);
    metadata.remove('authorization');
    for (const value of this.stream.metadata.get('authorization')) metadata.set('authorization', value);
    return metadata;
  }

  private flushSoon(): void {
    if (this.flushing) return;
    this.flushing = true;
    setImmediate(guarded(() => this.flush(), this.parts.failed));
  }

  /** Writes what is there, no more than the peer reads. */
  private async flush(): Promise<void> {
    while (this.answers.length > 0 && !this.ended) {
      const group: CallAnswer[] = [];
      for (let bytes = 0; this.answers.length > 0 && bytes < maxGroupBytes; ) {
        const next = this.answers.shift() as CallAnswer;
        bytes += next.message.length;
        group.push(next);
      }
      if (!this.write({ answers: group, leaving: false })) await drained(this.stream);
      if (this.open < maxOpen && !this.halfClosed) this.stream.resume();
    }
    this.flushing = false;
    this.endIfDone();
  }

  private write(message: ExchangeResponse): boolean {
    return this.ended || this.stream.cancelled || this.stream.write(message);
  }

  private endIfDone(): void {
    if (!this.halfClosed || this.open > 0 || this.flushing || this.answers.length > 0 || this.ended) return;
    this.ended = true;
    this.stream.end();
  }
}

const empty = Buffer.alloc(0);

function answerOf(handler: Handler, answered: object, entry: RouteEntry): Partial<CallAnswer> {
  return { message: handler.serialize(answered), trailers: { ...headersOf(answered, entry) } };
}

/** An error of ours, or one that the filter has made of it. */
function failureOf(thrown: unknown): Partial<CallAnswer> {
  const error = isGrpcError(thrown) ? thrown : grpcError(toAppError(thrown));
  const trailers: Record<string, string> = {};
  for (const [name, value] of Object.entries(error.metadata.getMap()))
    if (!Buffer.isBuffer(value)) trailers[name] = value;
  const [details] = error.metadata.get('grpc-status-details-bin');
  const bytes = Buffer.isBuffer(details) ? details : empty;
  return { code: error.code, details: error.details, trailers, statusDetails: bytes };
}

function isGrpcError(error: unknown): error is ReturnType<typeof grpcError> {
  return error instanceof Error && 'code' in error && 'metadata' in error;
}

/** What a unary handler may ask of its call. */
function unaryCall(stream: ExchangeStream, path: string, metadata: Metadata, request: object) {
  const call: Partial<ServerUnaryCall<object, object>> = {
    request,
    metadata,
    cancelled: false,
    getPath: () => path,
    getPeer: () => stream.getPeer(),
    getHost: () => stream.getHost(),
  };
  return call;
}

function drained(stream: ExchangeStream): Promise<void> {
  return new Promise((resolve) => {
    const done = guarded((): void => {
      for (const event of ['drain', 'cancelled', 'close', 'error']) stream.off(event, done);
      resolve();
    });
    for (const event of ['drain', 'cancelled', 'close', 'error']) stream.on(event, done);
  });
}
