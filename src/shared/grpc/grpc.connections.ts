import { constants, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { guarded } from '../async/guarded';
import { Config } from '../config/config';
import { Connections } from '../connections/connections';
import { type Held, Unfinished } from '../connections/unfinished';
import { MessageMeter } from './grpc.message-meter';

const lookMs = 1000;
const handshakeMs = 10_000;

interface Session {
  readonly since: number;
  readonly streams: Map<ServerHttp2Stream, Answer>;
  readonly unfinished: Held;
  /** Bytes of all its messages that are not whole. */
  held: number;
  greeted: boolean;
}

/** The bytes that a stream's peer had not let through its window when they were last seen to move. */
interface Answer {
  queued: number;
  movedAt: number;
}

/**
 * Limits what HTTP/2 adds to a connection: a peer that never says what it speaks, messages that are half sent on a
 * hundred streams at once, and answers held back by a window that the peer does not open.
 */
@Injectable()
export class GrpcConnections implements OnApplicationShutdown {
  private readonly sessions = new Map<ServerHttp2Session, Session>();
  private readonly limits: Config['limits'];
  private readonly timer: NodeJS.Timeout;

  constructor(
    config: Config,
    private readonly connections: Connections,
    private readonly unfinished: Unfinished,
  ) {
    this.limits = config.limits;
    this.timer = setInterval(
      guarded(() => this.look(), connections.failed),
      lookMs,
    ).unref();
  }

  watch(server: Http2Server): void {
    const { failed } = this.connections;
    this.connections.watch(server, 'grpc');
    server.on(
      'session',
      guarded((session: ServerHttp2Session) => this.opened(session), failed),
    );
    server.on(
      'stream',
      guarded((stream: ServerHttp2Stream) => this.began(stream), failed),
    );
  }

  /** True once a peer has said that it speaks HTTP/2: only such a peer can have a call under way. */
  get busy(): boolean {
    return [...this.sessions.values()].some(({ greeted }) => greeted);
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  private opened(session: ServerHttp2Session): void {
    const { failed } = this.connections;
    const unfinished = this.unfinished.hold(() => this.connections.end(session, 'grpc', 'unfinished'));
    const opened: Session = { since: performance.now(), streams: new Map(), unfinished, held: 0, greeted: false };
    this.sessions.set(session, opened);
    session.once(
      'remoteSettings',
      guarded(() => Object.assign(opened, { greeted: true }), failed),
    );
    session.once(
      'close',
      guarded(() => {
        this.sessions.delete(session);
        unfinished.release();
      }, failed),
    );
  }

  private began(stream: ServerHttp2Stream): void {
    const { failed } = this.connections;
    const session = stream.session as ServerHttp2Session | undefined;
    const opened = session && this.sessions.get(session);
    if (!session || !opened) return;
    const meter = new MessageMeter();
    const account = (before: number): void => {
      const more = meter.held - before;
      if (more === 0) return;
      opened.held += more;
      opened.unfinished.add(more);
      if (opened.held > this.limits.unfinishedBytesPerConnection) this.connections.end(session, 'grpc', 'unfinished');
    };
    opened.streams.set(stream, { queued: 0, movedAt: performance.now() });
    stream.on(
      'data',
      guarded((chunk: Buffer) => {
        const before = meter.held;
        meter.take(chunk);
        account(before);
      }, failed),
    );
    stream.once(
      'close',
      guarded(() => {
        opened.streams.delete(stream);
        const before = meter.held;
        meter.held = 0;
        account(before);
      }, failed),
    );
  }

  private look(): void {
    const now = performance.now();
    for (const [session, opened] of this.sessions) {
      if (!opened.greeted && now - opened.since > handshakeMs) this.connections.end(session, 'grpc', 'handshake');
      for (const [stream, answer] of opened.streams) {
        const queued = stream.writableLength;
        // It is answered, and its caller goes on sending: grpc-js would wait for the end of that for ever.
        if (stream.writableFinished && now - answer.movedAt >= lookMs / 2) stream.close(constants.NGHTTP2_NO_ERROR);
        if (queued === 0 || queued !== answer.queued) {
          answer.queued = queued;
          answer.movedAt = now;
        } else if (now - answer.movedAt >= this.limits.unreadMs) {
          this.connections.end(session, 'grpc', 'unread');
          break;
        }
      }
    }
  }
}
