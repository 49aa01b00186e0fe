import type { ServerDuplexStream } from '@grpc/grpc-js';
import { detach, guarded } from '../async/guarded';
import { grpcError } from '../contract/grpc.status';
import { AppError } from '../errors/app-error';
import { unavailable } from '../errors/common.errors';
import { toAppError } from '../errors/to-app-error';

/** A bidirectional call as the server has it. */
export type DuplexCall<Request, Answer> = ServerDuplexStream<Request, Answer>;

export interface StreamOptions {
  /** Messages being answered at once; more are left unread, which the sender feels as back-pressure. */
  readonly window: number;
  /** Without a message for so long the stream is ended. Milliseconds. */
  readonly idleMs: number;
  /** When it fires, what was read is still answered, then the stream ends as unavailable. */
  readonly draining: AbortSignal;
}

/**
 * Answers every message of a duplex stream, in the order in which they came, reading no more than it can answer and
 * writing no more than the peer reads. Resolves when the stream has ended. An error of `answer` ends the stream: what
 * is to be answered in place must be answered by it.
 */
export function serveStream<Request, Answer extends object>(
  call: DuplexCall<Request, Answer>,
  answer: (request: Request) => Promise<Answer>,
  options: StreamOptions,
): Promise<void> {
  return new StreamServer(call, answer, options).run();
}

/** The trace id that the interceptor gave the call. */
export function traceIdOf(call: DuplexCall<unknown, unknown>): string {
  return String(call.metadata.get('x-trace-id')[0]);
}

class StreamServer<Request, Answer extends object> {
  private tail: Promise<void> = Promise.resolve();
  private open = 0;
  private finishing = false;
  private ended = false;
  private idle: NodeJS.Timeout | undefined;

  constructor(
    private readonly call: DuplexCall<Request, Answer>,
    private readonly answer: (request: Request) => Promise<Answer>,
    private readonly options: StreamOptions,
  ) {}

  run(): Promise<void> {
    const { call, options } = this;
    return new Promise((resolve) => {
      const drain = guarded((): void => this.finish(unavailable()));
      const close = guarded((): void => {
        this.ended = true;
        this.finishing = true;
        clearTimeout(this.idle);
        options.draining.removeEventListener('abort', drain);
        resolve();
      });
      call.on(
        'data',
        guarded((message: Request) => this.take(message)),
      );
      call.on(
        'end',
        guarded(() => this.finish()),
      );
      call.on('cancelled', close);
      call.on('error', close);
      call.on('finish', close);
      options.draining.addEventListener('abort', drain);
      if (options.draining.aborted) drain();
      this.watchIdle();
    });
  }

  private take(message: Request): void {
    this.watchIdle();
    this.open += 1;
    if (this.open >= this.options.window) this.call.pause();
    const answered = this.answer(message);
    this.tail = this.tail
      .then(async () => this.write(await answered))
      .catch((error: unknown) => this.end(toAppError(error)))
      .then(() => {
        this.open -= 1;
        if (!this.finishing) this.call.resume();
      });
  }

  private write(answer: Answer): Promise<void> {
    if (this.ended || this.call.cancelled) return Promise.resolve();
    if (this.call.write(answer)) return Promise.resolve();
    return new Promise((resolve) => {
      const done = guarded((): void => {
        this.call.off('drain', done).off('cancelled', done);
        resolve();
      });
      this.call.on('drain', done).on('cancelled', done);
    });
  }

  /** Takes no more, answers what was taken, then ends the stream. */
  private finish(error?: AppError): void {
    this.finishing = true;
    this.call.pause();
    clearTimeout(this.idle);
    detach(this.tail.then(() => this.end(error)));
  }

  private end(error?: AppError): void {
    if (this.ended) return;
    this.ended = true;
    if (error) this.call.emit('error', grpcError(error));
    else this.call.end();
  }

  private watchIdle(): void {
    clearTimeout(this.idle);
    const ended = new AppError('deadline', 'deadline_exceeded', `No message for ${this.options.idleMs / 1000} seconds`);
    this.idle = setTimeout(
      guarded(() => this.finish(ended)),
      this.options.idleMs,
    ).unref();
  }
}
