import type { ServerWritableStream } from '@grpc/grpc-js';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { Observable } from 'rxjs';
import { AppError } from '../errors/app-error';
import { unavailable } from '../errors/common.errors';
import { guarded } from '../lifecycle/guarded';
import { pause } from '../lifecycle/pause';
import { grpcError } from './grpc.status';

/** A call with one request and a stream of answers, as the server has it. */
export type ServerStream<Answer> = ServerWritableStream<object, Answer>;

/** The call itself, for a method that streams its answers. */
export const GrpcCall = createParamDecorator((_data: undefined, context: ExecutionContext): unknown =>
  context.getArgByIndex(2),
);

export interface ChangesOptions {
  /** Between two looks. Milliseconds. */
  readonly everyMs: number;
  /** When it fires, the stream ends as unavailable: its caller goes elsewhere. */
  readonly draining: AbortSignal;
  /** Those who watch now, over all calls with these options, and how many there may be. */
  readonly watchers: { count: number };
  readonly maxWatchers: number;
}

/**
 * What `read` answers, now and again whenever that has changed. A peer that reads slowly gets the latest answer when it
 * is ready for one, never a queue of old ones. An error of `read` ends the stream.
 */
export function serveChanges<Answer extends object>(
  call: ServerStream<Answer>,
  read: () => Promise<Answer>,
  options: ChangesOptions,
): Observable<Answer> {
  return new Observable((subscriber) => {
    const { draining, watchers, maxWatchers } = options;
    if (watchers.count >= maxWatchers) {
      const message = `There are ${maxWatchers} watchers already`;
      subscriber.error(new AppError('throttled', 'rate_limited', message, { retryAfterMs: 10_000 }));
      return undefined;
    }
    watchers.count += 1;
    const left = new AbortController();
    const drain = guarded((): void => {
      // Past the error filter: that a process stops is no failure to be logged for each watcher.
      call.emit('error', grpcError(unavailable()));
      subscriber.complete();
    });
    draining.addEventListener('abort', drain);
    const watch = { call, read, everyMs: options.everyMs, until: left.signal };
    changes(watch, (answer) => subscriber.next(answer)).catch((error: unknown) => subscriber.error(error));
    return () => {
      watchers.count -= 1;
      left.abort();
      draining.removeEventListener('abort', drain);
    };
  });
}

interface Watch<Answer> {
  readonly call: ServerStream<Answer>;
  readonly read: () => Promise<Answer>;
  readonly everyMs: number;
  readonly until: AbortSignal;
}

async function changes<Answer>(
  { call, read, everyMs, until }: Watch<Answer>,
  tell: (answer: Answer) => void,
): Promise<void> {
  let told = '';
  while (!until.aborted) {
    const answer = await read();
    const text = JSON.stringify(answer);
    if (text !== told && !call.writableNeedDrain) {
      tell(answer);
      told = text;
    }
    await pause(everyMs, until);
  }
}
