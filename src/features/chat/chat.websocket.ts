import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { guarded } from '../../shared/async/guarded';
import { allowedOrigins, isAllowed } from '../../shared/auth/origins';
import { Config } from '../../shared/config/config';
import { AppError } from '../../shared/errors/app-error';
import { HttpUpgrades, refuseUpgrade } from '../../shared/http/http.upgrades';
import { currentContext } from '../../shared/tracing/request-context';
import { newTraceId } from '../../shared/tracing/trace-id';
import { ChatClient, type ChatWire } from './chat.client';
import type { SharedBuffers } from './chat.flusher';
import type { ChatFrame } from './chat.frame';
import { ChatHub } from './chat.hub';
import { jsonFrame, receive } from './chat.json-frames';
import type { ChatWireName } from './chat.metrics';

// Of 512 characters in the longest spelling that JSON has for them.
const maxFrame = 8192;
const maxPayload = 64 * 1024;
const pingEveryMs = 15_000;
const protocol = 'aerie.chat';
const loopback = /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/;
const tokenProtocol = 'bearer.';

// Of RFC 6455, 7.4, and of our own from 4000 on.
const closeCodes: Readonly<Record<string, number>> = {
  exit: 1000,
  shutdown: 1001,
  register_timeout: 4008,
  too_fast: 4029,
  slow_reader: 4013,
  username_taken: 4009,
  token_invalid: 4001,
};

/** The door for WebSocket: `GET /chat/ws`, a JSON frame in each text message. */
@Injectable()
export class ChatWebSocket implements OnModuleInit {
  // Without permessage-deflate there is no bomb to unpack.
  private readonly server = new WebSocketServer({
    noServer: true,
    maxPayload,
    perMessageDeflate: false,
    clientTracking: false,
    handleProtocols: (offered) => (offered.has(protocol) ? protocol : false),
  });
  private readonly origins: readonly (string | RegExp)[];
  private readonly publicOrigin: string | undefined;

  constructor(
    private readonly hub: ChatHub,
    private readonly upgrades: HttpUpgrades,
    config: Config,
  ) {
    this.origins = allowedOrigins(config);
    this.publicOrigin = config.publicUrl === undefined ? undefined : new URL(config.publicUrl).origin;
  }

  onModuleInit(): void {
    this.upgrades.add('/chat/ws', (request, socket, head) => this.accept(request, socket, head));
  }

  private accept(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const refused = this.refusal(request);
    if (refused) {
      refuseUpgrade(socket, refused, currentContext()?.traceId ?? newTraceId());
      return;
    }
    this.server.handleUpgrade(request, socket, head, (webSocket) => {
      new ChatWebSocketSession({ socket: webSocket, stream: socket }, this.hub, tokenOf(request)).begin();
    });
  }

  /** Browsers say which page asks; programs say nothing, and have no cookies that could be used for them. */
  private refusal({ headers, url }: IncomingMessage): AppError | undefined {
    const { origin, host = '' } = headers;
    // Host is whatever the page's name leads to: only a name of this machine is one's own.
    const own = origin === this.publicOrigin || (loopback.test(host) && origin === `http://${host}`);
    if (origin !== undefined && !own && !isAllowed(this.origins, origin))
      return new AppError('forbidden', 'origin_not_allowed', 'Origin: this page is not one of ALLOWED_ORIGINS');
    if (url?.includes('?')) {
      const message = 'chat/ws takes no query: a token goes into the first frame or the subprotocol, never into a URL';
      return new AppError('invalid', 'validation_failed', message, { fields: [{ field: 'query', message }] });
    }
    return undefined;
  }
}

/** A token that a browser's script could put nowhere else: the subprotocol `bearer.<token>` beside `aerie.chat`. */
function tokenOf({ headers }: IncomingMessage): string | undefined {
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((one) => one.trim());
  return offered.find((one) => one.startsWith(tokenProtocol))?.slice(tokenProtocol.length);
}

/** One client on WebSocket. */
class ChatWebSocketSession implements ChatWire {
  readonly wire: ChatWireName = 'websocket';
  private readonly client: ChatClient;
  private readonly socket: WebSocket;
  private readonly stream: Duplex;
  private alive = true;
  private readonly pinging: NodeJS.Timeout;

  constructor(
    connection: { readonly socket: WebSocket; readonly stream: Duplex },
    hub: ChatHub,
    private readonly token: string | undefined,
  ) {
    this.socket = connection.socket;
    this.stream = connection.stream;
    this.client = hub.connect(this);
    this.pinging = setInterval(
      guarded(() => this.ping()),
      pingEveryMs,
    ).unref();
  }

  begin(): void {
    const { socket, client } = this;
    socket.on(
      'message',
      guarded((data: RawData, isBinary: boolean) => this.take(data, isBinary)),
    );
    socket.on(
      'pong',
      guarded(() => {
        this.alive = true;
      }),
    );
    // ws closes with the code that RFC 6455 has for it: 1009 too large, 1007 no UTF-8, 1002 no frame.
    socket.on(
      'error',
      guarded(() => undefined),
    );
    socket.on(
      'close',
      guarded(() => {
        clearInterval(this.pinging);
        client.closed();
      }),
    );
  }

  write(frames: readonly ChatFrame[], shared: SharedBuffers, done: () => void): boolean {
    const { socket, stream } = this;
    if (socket.readyState !== socket.OPEN) return true;
    let isTaken = false;
    const later = guarded((): void => {
      if (!isTaken) done();
    });
    // Not by `send`, which spells each frame anew for each client. Without compression what ws writes itself, such as pings,
    // goes straight to the same stream, in order.
    stream.write(shared.frames(frames), later);
    isTaken = stream.writableLength === 0;
    return isTaken;
  }

  end(code: string): void {
    this.socket.close(closeCodes[code] ?? 4000, code);
    this.terminateSoon();
  }

  destroy(): void {
    this.socket.terminate();
  }

  private take(data: RawData, isBinary: boolean): void {
    this.alive = true;
    if (isBinary) this.refuse(1003, 'frames are text');
    else if ((data as Buffer).length > maxFrame) this.refuse(1009, `a frame has at most ${maxFrame} bytes`);
    else receive(this.client, () => this.withToken(jsonFrame(data as Buffer)));
  }

  private withToken(frame: unknown): unknown {
    const isHello = typeof frame === 'object' && frame !== null && 'type' in frame && frame.type === 'hello';
    return isHello && this.token !== undefined && !('token' in frame) ? { ...frame, token: this.token } : frame;
  }

  /** Whatever it sends from now on is not looked at. */
  private refuse(code: number, reason: string): void {
    this.socket.close(code, reason);
    this.client.closed();
    this.terminateSoon();
  }

  private terminateSoon(): void {
    setTimeout(
      guarded(() => this.socket.terminate()),
      1000,
    ).unref();
  }

  /** Whoever has answered neither the last ping nor sent anything since is not there any more. */
  private ping(): void {
    if (!this.alive) {
      this.socket.terminate();
      return;
    }
    this.alive = false;
    this.socket.ping();
  }
}
