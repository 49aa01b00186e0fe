import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Injectable } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import { guarded } from '../async/guarded';
import type { Connections } from '../connections/connections';
import type { Peers } from '../connections/peers';
import type { ErrorFilter } from '../contract/error.filter';
import { type Replying, sendError } from '../contract/http.error-body';
import type { AppError } from '../errors/app-error';
import { methodNotAllowed, routeNotFound, unavailable, upgradeRequired } from '../errors/common.errors';
import { toAppError } from '../errors/to-app-error';
import type { Lifecycle } from '../lifecycle/lifecycle';
import { runInContext } from '../tracing/request-context';
import { traceIdFrom } from '../tracing/trace-id';
import { hostMissing, hosts } from './http.hooks';
import type { HttpMetrics } from './http.metrics';

/**
 * Takes over a connection whose client asks for a WebSocket: answers the handshake, or refuses it with `refuseUpgrade`. Runs
 * in a request context that has the trace id and the caller's address; who calls is for it to find out. The socket is its own
 * from then on, and ends only by it until the process has waited long enough for that.
 */
export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** The paths at which clients may ask for a WebSocket, filled by their features at start: `/voice/ws`. */
@Injectable()
export class HttpUpgrades {
  private readonly handlers = new Map<string, UpgradeHandler>();

  /** `path`: without a query. */
  add(path: string, handler: UpgradeHandler): void {
    this.handlers.set(path, handler);
  }

  at(path: string): UpgradeHandler | undefined {
    return this.handlers.get(path);
  }
}

export interface UpgradeParts {
  readonly connections: Connections;
  readonly lifecycle: Lifecycle;
  readonly peers: Peers;
  readonly filter: ErrorFilter;
  readonly metrics: HttpMetrics;
}

// How long a peer may take to close after it was refused. To destroy at once would lose the answer if it sends meanwhile.
const lingerMs = 1000;

/**
 * Hands WebSocket handshakes to the features' handlers. All other `Upgrade` headers, as Java's HttpClient sends one with each
 * request, count for nothing. Source: RFC 9110, 7.8: a server may ignore the field.
 */
export function serveUpgrades(fastify: FastifyInstance, upgrades: HttpUpgrades, parts: UpgradeParts): void {
  const { server } = fastify;
  const { failed } = parts.connections;
  const door = new UpgradeDoor(upgrades, parts);
  server.on('connection', guarded(passOverOtherUpgrades, failed));
  server.on(
    'upgrade',
    guarded((request: IncomingMessage, socket: Duplex, head: Buffer) => {
      // Node has taken its own listener off, and without one a reset would be a fault.
      socket.on(
        'error',
        guarded(() => socket.destroy()),
      );
      door.whenAnswered(request, socket as Socket, head);
    }, failed),
  );
  fastify.addHook('onRequest', (request, _reply, done) => {
    if (request.method === 'OPTIONS' || upgrades.at(pathOf(request.url)) === undefined) return done();
    throw request.method === 'GET' || request.method === 'HEAD' ? upgradeRequired() : methodNotAllowed(['GET']);
  });
}

/** Refuses an upgrade as any request is refused, in the one error shape, and closes the connection. */
export function refuseUpgrade(socket: Duplex, error: AppError, traceId: string): void {
  sendError(new SocketReply(socket, traceId), error, traceId);
}

/** As Node's parser hands it on: whether what follows is another protocol. */
type Incoming = IncomingMessage & { upgrade?: boolean };

/** The part of Node's HTTP parser that is told of each head. */
interface Parser {
  onIncoming?: (request: Incoming, keepAlive: boolean) => number;
}

/**
 * Tells Node's parser that there is no upgrade, before Node asks: with a listener for upgrades it would take every connection
 * whose request has such a header out of HTTP.
 */
function passOverOtherUpgrades(socket: Socket): void {
  const { parser } = socket as unknown as { parser?: Parser | null };
  const incoming = parser?.onIncoming;
  if (!parser || !incoming) return;
  parser.onIncoming = (request, keepAlive) => {
    if (request.upgrade && request.method !== 'CONNECT' && !asksForWebSocket(request)) request.upgrade = false;
    return incoming(request, keepAlive);
  };
}

/** Source: RFC 6455, 4.2.1 */
function asksForWebSocket({ method, httpVersion, headers }: IncomingMessage): boolean {
  return method === 'GET' && httpVersion === '1.1' && headers.upgrade?.trim().toLowerCase() === 'websocket';
}

class UpgradeDoor {
  constructor(
    private readonly upgrades: HttpUpgrades,
    private readonly parts: UpgradeParts,
  ) {}

  /** Answers that are due go first: what a handler writes would stand before, or within, one of them. */
  whenAnswered(request: IncomingMessage, socket: Socket, head: Buffer): void {
    if (!socket.writable) return;
    const { _httpMessage: due } = socket as { readonly _httpMessage?: ServerResponse | null };
    if (due)
      due.once(
        'close',
        guarded(() => this.whenAnswered(request, socket, head), this.parts.connections.failed),
      );
    else this.take(request, socket, head);
  }

  private take(request: IncomingMessage, socket: Socket, head: Buffer): void {
    const { headers } = request;
    const traceId = traceIdFrom(headers.traceparent, headers['x-trace-id']);
    const path = pathOf(request.url ?? '');
    const handler = this.upgrades.at(path);
    const refusal = this.refusal(request, handler);
    this.parts.connections.upgraded(socket);
    if (refusal !== undefined || handler === undefined) {
      const error = refusal ?? routeNotFound();
      refuseUpgrade(socket, error, traceId);
      this.count(error, handler && path);
      return;
    }
    const peer = this.parts.peers.of(socket.remoteAddress, headers['x-forwarded-for']?.toString());
    const { bytesWritten } = socket;
    try {
      runInContext({ traceId, peer }, () => handler(request, socket, head));
    } catch (error) {
      this.parts.filter.answer(error, new SocketReply(socket, traceId, socket.bytesWritten > bytesWritten), traceId);
      this.count(toAppError(error), path);
      if (socket.bytesWritten > bytesWritten) socket.destroy();
    }
  }

  private refusal({ rawHeaders }: IncomingMessage, handler: UpgradeHandler | undefined): AppError | undefined {
    if (hosts(rawHeaders) !== 1) return hostMissing();
    if (handler === undefined) return routeNotFound();
    return this.parts.lifecycle.phase === 'draining' ? unavailable() : undefined;
  }

  private count({ httpStatus }: AppError, path: string | undefined): void {
    const observe = this.parts.metrics.route('app', path === undefined ? 'any' : 'GET', path ?? 'unmatched');
    observe(httpStatus, { durationMs: undefined, received: 0, sent: 0 });
  }
}

/** An answer on a connection that Node no longer speaks HTTP on. */
class SocketReply implements Replying {
  sent = false;
  private status = 200;
  private readonly headerLines = new Map<string, string>();

  constructor(
    private readonly socket: Duplex,
    traceId: string,
    private readonly headersSent = false,
  ) {
    this.headers({ 'x-trace-id': traceId, date: new Date().toUTCString(), connection: 'close' });
  }

  get raw(): Replying['raw'] {
    return { headersSent: this.headersSent, destroyed: !this.socket.writable };
  }

  code(status: number): this {
    this.status = status;
    return this;
  }

  type(type: string): this {
    return this.header('content-type', type);
  }

  header(name: string, value: string): this {
    this.headerLines.set(name, value);
    return this;
  }

  headers(headers: Readonly<Record<string, string>>): this {
    for (const [name, value] of Object.entries(headers)) this.header(name, value);
    return this;
  }

  removeHeader(name: string): this {
    this.headerLines.delete(name);
    return this;
  }

  send(body: string): this {
    this.sent = true;
    this.header('content-length', String(Buffer.byteLength(body)));
    const lines = [...this.headerLines].map(([name, value]) => `${name}: ${value}\r\n`).join('');
    this.socket.end(`HTTP/1.1 ${this.status} ${STATUS_CODES[this.status]}\r\n${lines}\r\n${body}`);
    // What the peer still sends is read, or its close would never be seen.
    this.socket.resume();
    const timer = setTimeout(
      guarded(() => this.socket.destroy()),
      lingerMs,
    ).unref();
    this.socket.once(
      'close',
      guarded(() => clearTimeout(timer)),
    );
    return this;
  }
}

/** The path of a request's target, which may be a whole URL. Source: RFC 9112, 3.2.2 */
function pathOf(target: string): string {
  return target.replace(/^[a-z]{1,16}:\/\/[^/?#]*/i, '').split('?', 1)[0] ?? '';
}
