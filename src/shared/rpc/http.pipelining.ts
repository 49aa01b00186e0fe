import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { guarded } from '../lifecycle/guarded';
import type { Connections } from './connections';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

// Requests that came in one read and wait for their turn. Each holds some kilobytes, so there is an end.
const maxWaiting = 256;
const maxWaitingInAll = 8192;

/** The pipelined requests of one connection. */
interface Line {
  /** Being served, without the one whose answer is next on the wire. */
  running: number;
  readonly waiting: [IncomingMessage, ServerResponse][];
  drains: boolean;
}

/**
 * Serves at most `inFlight` requests of one connection at a time, and none while its answers are not read; the next ones
 * wait, and the socket is not read meanwhile. Node itself starts whatever stands in what it has read, some thousand
 * requests, before it looks how much of the answers was taken.
 */
export function limitPipelining(server: Server, inFlight: number, connections: Connections): void {
  const [serve] = server.listeners('request') as Handler[];
  if (serve === undefined) throw new Error('The HTTP server has no handler yet');
  const lines = new WeakMap<Socket, Line>();
  let waitingInAll = 0;

  const lineOf = (socket: Socket): Line => {
    const line = lines.get(socket) ?? { running: 0, waiting: [], drains: false };
    if (!lines.has(socket)) {
      lines.set(socket, line);
      socket.once(
        'close',
        guarded(() => forget(line), connections.failed),
      );
    }
    return line;
  };

  const forget = (line: Line): void => {
    waitingInAll -= line.waiting.length;
    line.waiting.length = 0;
  };

  const begin = (socket: Socket, line: Line, request: IncomingMessage, response: ServerResponse): void => {
    line.running += 1;
    const ended = (): void => {
      line.running -= 1;
      advance(socket, line);
    };
    response.once('close', guarded(ended, connections.failed));
    serve.call(server, request, response);
  };

  const advance = (socket: Socket, line: Line): void => {
    if (socket.destroyed || line.drains) return;
    while (line.running < inFlight - 1 && line.waiting.length > 0 && !socket.writableNeedDrain) {
      const next = line.waiting.shift() as [IncomingMessage, ServerResponse];
      waitingInAll -= 1;
      begin(socket, line, ...next);
    }
    if (line.waiting.length === 0) socket.resume();
    else if (socket.writableNeedDrain) {
      const drained = (): void => {
        line.drains = false;
        advance(socket, line);
      };
      line.drains = true;
      socket.once('drain', guarded(drained, connections.failed));
    }
  };

  const admit = (request: IncomingMessage, response: ServerResponse): void => {
    const { socket } = request;
    if (socket.destroyed) return;
    // The answer has the socket: nothing before it is unanswered. So it is with nearly all requests.
    if (response.socket !== null) {
      serve.call(server, request, response);
      return;
    }
    const line = lineOf(socket);
    line.waiting.push([request, response]);
    waitingInAll += 1;
    if (line.waiting.length > maxWaiting || waitingInAll > maxWaitingInAll) {
      connections.end(socket, 'http', 'pipelined');
      forget(line);
      return;
    }
    advance(socket, line);
    if (line.waiting.length > 0) socket.pause();
  };

  server.removeAllListeners('request');
  server.on('request', guarded(admit, connections.failed));
}
