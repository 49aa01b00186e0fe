import type { IncomingMessage } from 'node:http';
import { guarded } from '../async/guarded';
import type { Held, Unfinished } from '../connections/unfinished';
import type { AppError } from '../errors/app-error';
import { bodyTooLarge, unavailable, validationFailed } from '../errors/common.errors';

const firstBytes = 1024;
// A buffer and its event cost so much beside the bytes: a peer that sends single bytes must not be counted by those alone.
const bytesPerChunk = 64;

type Done = (error: AppError | null, body?: Buffer) => void;

/**
 * Reads a body of `limit` bytes at most into one buffer that grows as the bytes come, not as they are announced. `done`
 * is called once: with undefined where nothing was sent, whatever type that had.
 */
export function readBody(request: IncomingMessage, limit: number, unfinished: Unfinished, done: Done): void {
  const announced = Number(request.headers['content-length']);
  if (announced > limit) {
    done(bodyTooLarge(limit));
    return;
  }
  new BodyReader(request, limit, announced, unfinished, done).read();
}

class BodyReader {
  private body: Buffer | undefined;
  private length = 0;
  private held: Held | undefined;

  constructor(
    private readonly request: IncomingMessage,
    private readonly limit: number,
    private readonly announced: number,
    private readonly unfinished: Unfinished,
    private readonly done: Done,
  ) {}

  read(): void {
    this.request.on('data', this.take).on('end', this.finish).on('error', this.cutOff);
    this.request.resume();
  }

  private readonly take = guarded((chunk: Buffer): void => {
    const length = this.length + chunk.length;
    if (length > this.limit) {
      this.settle(bodyTooLarge(this.limit));
    } else if (this.length === 0 && length === this.announced) {
      // The usual case. A copy: the chunk is a view of the socket's own buffer, which would be kept for it.
      this.body = Buffer.from(chunk);
      this.length = length;
    } else {
      this.append(chunk);
    }
  });

  private append(chunk: Buffer): void {
    const length = this.length + chunk.length;
    const before = this.body?.length ?? 0;
    if (this.body === undefined || length > before) {
      const grown = Buffer.allocUnsafe(Math.min(this.limit, Math.max(firstBytes, length, before * 2)));
      this.body?.copy(grown, 0, 0, this.length);
      this.body = grown;
    }
    chunk.copy(this.body, this.length);
    this.length = length;
    this.held ??= this.unfinished.hold(() =>
      this.settle(unavailable(new Error('Half-sent bodies hold too much memory'))),
    );
    this.held.add(this.body.length - before + bytesPerChunk);
  }

  private readonly finish = guarded((): void => {
    this.settle(null, this.length === 0 ? undefined : this.body?.subarray(0, this.length));
  });

  private readonly cutOff = guarded((): void => {
    this.settle(validationFailed([{ field: 'body', message: 'did not arrive whole' }]));
  });

  private settle(error: AppError | null, body?: Buffer): void {
    this.request.off('data', this.take).off('end', this.finish).off('error', this.cutOff);
    this.held?.release();
    this.done(error, body);
  }
}
