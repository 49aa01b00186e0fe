import { randomInt } from 'node:crypto';
import { PassThrough } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { guarded } from '../async/guarded';
import type { Watcher } from '../async/poll';
import { errorBody } from '../contract/http.error-body';
import { toAppError } from '../errors/to-app-error';
import { currentContext } from '../tracing/request-context';

const keepAliveMs = 15_000;
// When a process stops, all its streams end at once: they come back apart from each other.
const [soonestMs, latestMs] = [2000, 5000];
const headers = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  // Proxies must not wait for more.
  'x-accel-buffering': 'no',
};

/** An answer as it is streamed, and whether it is the last. */
export interface StreamedAnswer {
  readonly text: string;
  readonly last: boolean;
}

export interface StreamedChanges {
  /** When it fires, the stream ends: the browser comes back, to another process. */
  readonly draining: AbortSignal;
  /** Takes the watcher's place and answers how to leave it. @throws AppError when there is none */
  readonly enter: () => () => void;
}

/**
 * Streams what `watch` tells as server-sent events named `changed`, whenever that has changed, until the last of them: then
 * `done` is told, at which a browser closes. A peer that reads slowly gets the latest answer when it is ready for one, never
 * a queue of old ones. Each stream begins by when to come back after its end. `watch` answers how to leave.
 * Source: HTML, 9.2
 */
export function streamChanges(
  reply: FastifyReply,
  watch: (watcher: Watcher<StreamedAnswer>) => () => void,
  { draining, enter }: StreamedChanges,
): FastifyReply {
  const leave = enter();
  const stream = new PassThrough();
  const traceId = currentContext()?.traceId ?? '';
  let told = '';
  let isReady = stream.write(`retry: ${randomInt(soonestMs, latestMs + 1)}\n\n`);
  const end = (last = ''): void => {
    if (!stream.writableEnded) stream.end(last);
  };
  const keepAlive = setInterval(
    guarded(() => stream.write(': here\n\n')),
    keepAliveMs,
  ).unref();
  const drain = guarded(() => end());
  draining.addEventListener('abort', drain);
  stream.on(
    'drain',
    guarded(() => {
      isReady = true;
    }),
  );
  const unwatch = watch({
    tell: ({ text, last }) => {
      if (text === told || !isReady || stream.writableEnded) return;
      told = text;
      isReady = stream.write(`event: changed\ndata: ${text}\n\n`);
      if (last) end('event: done\ndata: {}\n\n');
    },
    fail: (error) => end(`event: error\ndata: ${JSON.stringify(errorBody(toAppError(error), traceId))}\n\n`),
  });
  stream.on(
    'error',
    guarded(() => stream.destroy()),
  );
  stream.on(
    'close',
    guarded(() => {
      clearInterval(keepAlive);
      draining.removeEventListener('abort', drain);
      unwatch();
      leave();
    }),
  );
  return reply.headers(headers).send(stream);
}
