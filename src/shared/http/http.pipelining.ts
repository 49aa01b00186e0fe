import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { guarded } from '../async/guarded';
import type { Connections } from '../connections/connections';

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

/** Puts a `Pipelining` between the server and its handler. */
export function limitPipelining(server: Server, inFlight: number, connections: Connections): void {
  const [serve] = server.listeners('request') as Handler[];
  if (serve === undefined) throw new Error('The HTTP server has no handler yet');
  const pipelining = new Pipelining(serve.bind(server), inFlight, connections);
  server.on('connection', guarded(parseNoFurther));
  server.removeAllListeners('request');
  const admit: Handler = (request, response) => pipelining.admit(request, response);
  server.on('request', guarded(admit));
}

/** The part of Node's HTTP parser that is told of each head: 2 ends the parsing, as before an upgrade. */
interface Parser {
  onIncoming?: (request: IncomingMessage, keepAlive: boolean) => number;
}

/**
 * Lets the parser stop where its socket was ended: otherwise it makes objects of all that it has read, some thousand
 * requests for each connection, and none of them can go before every other connection was looked at, too.
 */
function parseNoFurther(socket: Socket): void {
  const { parser } = socket as unknown as { parser?: Parser | null };
  const incoming = parser?.onIncoming;
  if (!parser || !incoming) return;
  parser.onIncoming = (request, keepAlive) => (socket.destroyed ? 2 : incoming(request, keepAlive));
}

/**
 * Serves at most `inFlight` requests of one connection at a time, and none while its answers are not read; the next ones
 * wait, and the socket is not read meanwhile. Node itself starts whatever stands in what it has read, some thousand
 * requests, before it looks how much of the answers was taken.
 */
class Pipelining {
  private readonly lines = new WeakMap<Socket, Line>();
  private waitingInAll = 0;

  constructor(
    private readonly serve: Handler,
    private readonly inFlight: number,
    private readonly connections: Connections,
  ) {}

  admit(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    if (socket.destroyed) return;
    // The answer has the socket: nothing before it is unanswered. So it is with nearly all requests.
    if (response.socket !== null) {
      this.serve(request, response);
      return;
    }
    const line = this.lines.get(socket) ?? this.begin(socket);
    line.waiting.push([request, response]);
    this.waitingInAll += 1;
    if (line.waiting.length > maxWaiting || this.waitingInAll > maxWaitingInAll) {
      this.connections.end(socket, 'http', 'pipelined');
      this.forget(line);
      return;
    }
    this.advance(socket, line);
    if (line.waiting.length > 0) socket.pause();
  }

  private begin(socket: Socket): Line {
    const line: Line = { running: 0, waiting: [], drains: false };
    this.lines.set(socket, line);
    socket.once(
      'close',
      guarded(() => this.forget(line)),
    );
    return line;
  }

  private forget(line: Line): void {
    this.waitingInAll -= line.waiting.length;
    line.waiting.length = 0;
  }

  private advance(socket: Socket, line: Line): void {
    if (socket.destroyed || line.drains) return;
    while (line.running < this.inFlight - 1 && line.waiting.length > 0 && !socket.writableNeedDrain) {
      const [request, response] = line.waiting.shift() as [IncomingMessage, ServerResponse];
      this.waitingInAll -= 1;
      line.running += 1;
      const ended = guarded(() => {
        line.running -= 1;
        this.advance(socket, line);
      });
      response.once('close', ended);
      this.serve(request, response);
    }
    if (line.waiting.length === 0) socket.resume();
    else if (socket.writableNeedDrain) this.whenDrained(socket, line);
  }

  private whenDrained(socket: Socket, line: Line): void {
    line.drains = true;
    const drained = guarded(() => {
      line.drains = false;
      this.advance(socket, line);
    });
    socket.once('drain', drained);
  }
}
