import type { ServerHttp2Session } from 'node:http2';
import type { Server, Socket } from 'node:net';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { guarded } from '../async/guarded';
import { Seldom } from '../async/seldom';
import { Config } from '../config/config';
import { Metrics } from '../metrics/metrics';
import { Peers } from './peers';

const wireNames = ['http', 'grpc', 'tcp'] as const;

/** `tcp`: a protocol of a feature's own. */
export type WireName = (typeof wireNames)[number];

/** Why the server ended a connection that was open. */
export type EndReason = 'unread' | 'unfinished' | 'pipelined' | 'handshake';

const lookMs = 1000;

interface Tracked {
  readonly wire: WireName;
  readonly address: string;
  /** It began as HTTP and is no longer. */
  upgraded: boolean;
  /** The bytes that the kernel had not taken when they were last seen to move. */
  queued: number;
  movedAt: number;
}

/**
 * The connections of all wires: how many there may be, in all and from one address (trusted proxies excepted, which bring
 * everybody's), and for how long a peer may leave an answer unread. What is beyond is closed.
 */
@Injectable()
export class Connections implements OnApplicationShutdown {
  private readonly sockets = new Map<Socket, Tracked>();
  private readonly byAddress = new Map<string, number>();
  private readonly counts: Record<WireName, number> = { http: 0, grpc: 0, tcp: 0 };
  private readonly peers: Peers;
  private readonly limits: Config['limits'];
  private readonly timer: NodeJS.Timeout;
  private readonly open;
  private readonly refused;
  private readonly ended;
  private readonly seldom = new Seldom(10_000);

  constructor(
    config: Config,
    metrics: Metrics,
    private readonly logger: PinoLogger,
  ) {
    this.limits = config.limits;
    this.peers = new Peers(config.trustedProxies);
    const wires = wireNames.map((wire) => ({ wire }));
    this.open = metrics.gauge('connections_open', 'Connections that are open', ['wire']);
    this.refused = metrics.counter(
      'connections_refused_total',
      'Connections closed at once: there are too many, in all or from one address',
      ['wire', 'reason'],
      wires.flatMap(({ wire }) => [
        { wire, reason: 'total' },
        { wire, reason: 'address' },
      ]),
    );
    this.ended = metrics.counter(
      'connections_ended_total',
      'Connections ended for what their peer did or left undone',
      ['wire', 'reason'],
      wires.flatMap(({ wire }) =>
        ['unread', 'unfinished', 'pipelined', 'handshake'].map((reason) => ({ wire, reason })),
      ),
    );
    this.count();
    this.timer = setInterval(
      guarded(() => this.look(), this.failed),
      lookMs,
    ).unref();
  }

  /** Counts, and where they are too many closes, the connections of a server. */
  watch(server: Server, wire: WireName): void {
    server.on(
      'connection',
      guarded((socket: Socket) => this.admit(socket, wire), this.failed),
    );
  }

  /** The connection speaks something else than HTTP from now on. It counts as before. */
  upgraded(socket: Socket): void {
    const tracked = this.sockets.get(socket);
    if (tracked) tracked.upgraded = true;
  }

  /** Ends a connection for what its peer did: a socket, or the HTTP/2 session that has one. */
  end(connection: Socket | ServerHttp2Session, wire: WireName, reason: EndReason): void {
    if (connection.destroyed) return;
    this.ended.inc({ wire, reason });
    const { remoteAddress } = 'socket' in connection ? connection.socket : connection;
    if (this.seldom.now()) this.logger.warn({ wire, reason, address: remoteAddress }, 'connection_ended');
    connection.destroy();
  }

  /**
   * The process leaves: connections on which nothing is under way are closed, and with `all` every one. HTTP/2 says by
   * itself what is under way, and so do features of what they serve over TCP, or of what HTTP was upgraded to.
   */
  leave(all: boolean): void {
    for (const [socket, { wire, upgraded }] of this.sockets)
      if (all || (wire === 'http' && !upgraded && !isAnswering(socket))) socket.destroy();
  }

  onApplicationShutdown(): void {
    this.leave(true);
    clearInterval(this.timer);
  }

  /** Logs what a callback of a connection threw; only that connection's peer feels it. */
  readonly failed = (error: unknown): void => {
    this.logger.error({ err: error }, 'connection_failed');
  };

  private admit(socket: Socket, wire: WireName): void {
    const address = this.peers.of(socket.remoteAddress, undefined);
    const fromThere = this.byAddress.get(address) ?? 0;
    const reason = this.refusal(address, fromThere);
    if (reason !== undefined) {
      this.refused.inc({ wire, reason });
      socket.destroy();
      return;
    }
    this.byAddress.set(address, fromThere + 1);
    this.sockets.set(socket, { wire, address, upgraded: false, queued: 0, movedAt: performance.now() });
    this.counts[wire] += 1;
    this.count();
    socket.once(
      'close',
      guarded(() => this.left(socket), this.failed),
    );
  }

  private refusal(address: string, fromThere: number): 'total' | 'address' | undefined {
    if (this.sockets.size >= this.limits.connections) return 'total';
    if (fromThere >= this.limits.connectionsPerAddress && !this.peers.isTrusted(address)) return 'address';
    return undefined;
  }

  private count(): void {
    for (const wire of wireNames) this.open.set({ wire }, this.counts[wire]);
  }

  private left(socket: Socket): void {
    const tracked = this.sockets.get(socket);
    if (!tracked) return;
    this.sockets.delete(socket);
    this.counts[tracked.wire] -= 1;
    this.count();
    const others = (this.byAddress.get(tracked.address) ?? 1) - 1;
    if (others === 0) this.byAddress.delete(tracked.address);
    else this.byAddress.set(tracked.address, others);
  }

  private look(): void {
    const now = performance.now();
    for (const [socket, tracked] of this.sockets) {
      const queued = queuedBytes(socket);
      if (queued === 0 || queued !== tracked.queued) {
        tracked.queued = queued;
        tracked.movedAt = now;
      } else if (now - tracked.movedAt >= this.limits.unreadMs) {
        this.end(socket, tracked.wire, 'unread');
      }
    }
  }
}

/** True while a request is served on the socket. Node's own list of idle connections leaves out those that never sent one. */
function isAnswering(socket: Socket): boolean {
  return Boolean((socket as unknown as { _httpMessage?: unknown })._httpMessage);
}

/**
 * Bytes that were written and that the kernel has not taken, since the peer reads none. Of the handle, since HTTP/2 writes
 * past the socket; Node's own idle timer looks at the same number.
 */
function queuedBytes(socket: Socket): number {
  const { _handle: handle } = socket as unknown as { _handle?: { writeQueueSize?: number } | null };
  return handle?.writeQueueSize ?? 0;
}
