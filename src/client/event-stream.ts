import type { ClientDuplexStream, ServiceError } from '@grpc/grpc-js';
import { ulid } from 'ulid';
import type {
  IngestBatchResponse,
  IngestResult,
  SignedMessage,
} from '../generated/aerie/events_gateway/v1/events_gateway';
import { AppError } from '../shared/errors/app-error';
import { deadlineExceeded, unavailable } from '../shared/errors/common.errors';
import { fromServiceError } from '../shared/remote/grpc.client';
import { defaultDeadlineMs } from '../shared/remote/remote';
import { complete, type GameEvent } from './game-event';
import type { Signer } from './signer';

const batchSize = 100;
const batchesInFlight = 8;
/** Above this `ready` waits; ten times as many are refused. */
const highWaterMark = batchSize * batchesInFlight;
const maxWaiting = highWaterMark * 10;

type Call = ClientDuplexStream<SignedMessage, IngestBatchResponse>;

interface Waiting {
  readonly event: GameEvent & { readonly id: string };
  readonly resolve: (result: IngestResult) => void;
  readonly reject: (error: AppError) => void;
}

/**
 * Sends events in batches of up to 100 over one gRPC stream; a batch leaves when it is full, or at once when the line
 * is free. Answers come in order. For many events, give way to the server as with any writer:
 * `await stream.ready; results.push(stream.send(event));`
 */
export class EventStream implements AsyncDisposable {
  private readonly waiting: Waiting[] = [];
  private readonly sent: Waiting[][] = [];
  private readonly onRoom: (() => void)[] = [];
  private blocked = false;
  private scheduled = false;
  private closing = false;
  private failure: AppError | undefined;
  private deadline: NodeJS.Timeout | undefined;
  private readonly ended: Promise<void>;

  constructor(
    private readonly call: Call,
    private readonly signer: Signer,
    private readonly deadlineMs = defaultDeadlineMs,
  ) {
    call.on('data', (answer: IngestBatchResponse) => this.answered(answer));
    call.on('drain', () => {
      this.blocked = false;
      this.pump();
    });
    call.on('error', (error: ServiceError) => this.fail(fromServiceError(error)));
    this.ended = new Promise((resolve) => {
      call.on('end', resolve).on('error', () => resolve());
    });
    call.on('end', () => this.fail(unavailable(new Error('The server has ended the stream'))));
  }

  /** Resolves when there is room for more events, or the stream has failed. */
  get ready(): Promise<void> {
    if (this.hasRoom()) return Promise.resolve();
    return new Promise((resolve) => this.onRoom.push(resolve));
  }

  /** Resolves with the event's result once it is durable. Rejects when the stream failed before it was answered. */
  send(event: GameEvent): Promise<IngestResult> {
    if (this.failure) return Promise.reject(this.failure);
    if (this.closing || this.waiting.length >= maxWaiting) {
      const reason = this.closing ? 'The stream is closed' : 'Await `ready` before each send';
      return Promise.reject(new AppError('throttled', 'rate_limited', reason));
    }
    return new Promise((resolve, reject) => {
      this.waiting.push({ event: complete(event), resolve, reject });
      this.schedule();
    });
  }

  /** Sends what waits, waits for every answer, then ends the stream. */
  async close(): Promise<void> {
    this.closing = true;
    this.pump();
    this.endWhenDone();
    await this.ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** After this turn of the event loop, so that events sent together leave together. */
  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      this.pump();
    });
  }

  private pump(): void {
    while (this.waiting.length > 0 && !this.blocked && !this.failure && this.sent.length < batchesInFlight) {
      const batch = this.waiting.splice(0, batchSize);
      this.sent.push(batch);
      if (this.sent.length === 1) this.watch();
      this.blocked = !this.call.write(this.signer.sign(ulid(), { events: batch.map(({ event }) => event) }));
    }
    if (this.hasRoom()) for (const resume of this.onRoom.splice(0)) resume();
  }

  private answered({ results, error }: IngestBatchResponse): void {
    const batch = this.sent.shift() ?? [];
    batch.forEach(({ event, resolve, reject }, index) => {
      const result = error ? { eventId: event.id, status: 'rejected', error } : results[index];
      if (result) resolve(result);
      else reject(unavailable(new Error('The answer to a batch was too short')));
    });
    clearTimeout(this.deadline);
    if (this.sent.length > 0) this.watch();
    this.pump();
    this.endWhenDone();
  }

  private endWhenDone(): void {
    if (this.closing && this.sent.length === 0 && this.waiting.length === 0) this.call.end();
  }

  /** A server that answers nothing for so long is taken for gone. */
  private watch(): void {
    this.deadline = setTimeout(() => {
      this.fail(deadlineExceeded());
      this.call.cancel();
    }, this.deadlineMs).unref();
  }

  private fail(error: AppError): void {
    if (this.failure) return;
    this.failure = error;
    clearTimeout(this.deadline);
    for (const { reject } of [...this.sent.splice(0).flat(), ...this.waiting.splice(0)]) reject(error);
    for (const resume of this.onRoom.splice(0)) resume();
  }

  private hasRoom(): boolean {
    return this.failure !== undefined || this.waiting.length < highWaterMark;
  }
}
