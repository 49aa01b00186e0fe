import type { ServerWritableStream } from '@grpc/grpc-js';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { Observable } from 'rxjs';
import { guarded } from '../async/guarded';
import type { Watcher } from '../async/poll';
import { grpcError } from '../contract/grpc.status';
import { unavailable } from '../errors/common.errors';

/** A call with one request and a stream of answers, as the server has it. */
export type ServerStream<Answer> = ServerWritableStream<object, Answer>;

/** The call itself, for a method that streams its answers. */
export const GrpcCall = createParamDecorator((_data: undefined, context: ExecutionContext): unknown =>
  context.getArgByIndex(2),
);

/** An answer and its JSON, which says whether it has changed. */
export interface Told<Answer> {
  readonly answer: Answer;
  readonly text: string;
}

export interface ChangesOptions {
  /** When it fires, the stream ends as unavailable: its caller goes elsewhere. */
  readonly draining: AbortSignal;
  /** Takes the watcher's place and answers how to leave it. @throws AppError when there is none */
  readonly enter: () => () => void;
}

/**
 * Streams what `watch` tells, whenever that has changed. A peer that reads slowly gets the latest answer when it is ready for
 * one, never a queue of old ones. `watch` answers how to leave.
 */
export function serveChanges<Answer extends object>(
  call: ServerStream<Answer>,
  watch: (watcher: Watcher<Told<Answer>>) => () => void,
  { draining, enter }: ChangesOptions,
): Observable<Answer> {
  return new Observable((subscriber) => {
    const leave = enter();
    let told = '';
    const drain = guarded((): void => {
      // Past the error filter: that a process stops is no failure to be logged for each watcher.
      call.emit('error', grpcError(unavailable()));
      subscriber.complete();
    });
    draining.addEventListener('abort', drain);
    subscriber.add(() => {
      leave();
      draining.removeEventListener('abort', drain);
    });
    const unwatch = watch({
      tell: ({ answer, text }) => {
        if (text === told || call.writableNeedDrain) return;
        told = text;
        subscriber.next(answer);
      },
      fail: (error) => subscriber.error(error),
    });
    subscriber.add(unwatch);
  });
}
