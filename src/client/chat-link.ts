import type { IncomingMessage } from 'node:http';
import type { ClientDuplexStream, ServiceError } from '@grpc/grpc-js';
import { WebSocket } from 'ws';
import type { ClientFrame, ServerFrame } from '../generated/aerie/chat/v1/chat';
import type { AppError } from '../shared/errors/app-error';
import { deadlineExceeded, internal, unavailable } from '../shared/errors/common.errors';
import { fromServiceError, type GrpcChannel } from '../shared/remote/grpc.client';
import { fromHttpError } from '../shared/remote/http.answer';

const maxFrame = 1024 * 1024;
const maxRefusal = 64 * 1024;
const handshakeMs = 10_000;
/** The server pings every 15 s; after two of them that did not come the connection is taken for dead. */
const silentMs = 40_000;
const protocol = 'aerie.chat';

/** What a connection tells whoever uses it. `closed` comes once and last; with an error unless the server closed it in peace. */
export interface ChatListener {
  opened(): void;
  heard(frame: ServerFrame): void;
  closed(error?: AppError): void;
}

/** A connection to the conversation, on whichever wire. */
export interface ChatLink {
  /** Once it is open; afterwards what is sent is lost. */
  send(frame: ClientFrame): void;
  /** Ends it at once; nothing is told any more. */
  close(): void;
}

/** Passes on what comes until the connection is closed, from either side. */
class Ears {
  private deaf = false;

  constructor(private readonly listener: ChatListener) {}

  opened(): void {
    if (!this.deaf) this.listener.opened();
  }

  heard(frame: ServerFrame): void {
    if (!this.deaf) this.listener.heard(frame);
  }

  closed(error?: AppError): void {
    if (this.deaf) return;
    this.deaf = true;
    this.listener.closed(error);
  }

  shut(): void {
    this.deaf = true;
  }
}

/** Over gRPC, by `Connect`; the channel says the token, and is closed with the connection. */
export function grpcChatLink(channel: GrpcChannel, listener: ChatListener): ChatLink {
  const ears = new Ears(listener);
  const call: ClientDuplexStream<ClientFrame, ServerFrame> = channel.duplex('connect');
  const release = (): void => {
    channel[Symbol.asyncDispose]().catch(() => undefined);
  };
  call.on('data', (frame: ServerFrame) => ears.heard(frame));
  call.on('error', (error: ServiceError) => {
    release();
    ears.closed(fromServiceError(error));
  });
  call.on('end', () => {
    release();
    ears.closed();
  });
  // What is written before the connection is there goes out when it is.
  setImmediate(() => ears.opened());
  return {
    send: (frame) => {
      call.write(frame);
    },
    close: () => {
      ears.shut();
      call.cancel();
      release();
    },
  };
}

/** Over WebSocket, at `<url>/chat/ws`. The token goes into the first frame: proxies log headers and URLs. */
export function webSocketChatLink(url: string, token: string | undefined, listener: ChatListener): ChatLink {
  const ears = new Ears(listener);
  const address = `${url.replace(/^http/, 'ws').replace(/\/$/, '')}/chat/ws`;
  const options = { perMessageDeflate: false, maxPayload: maxFrame, handshakeTimeout: handshakeMs };
  const socket = new WebSocket(address, [protocol], options);
  const silent = setTimeout(() => {
    ears.closed(deadlineExceeded());
    socket.terminate();
  }, silentMs);
  socket.on('open', () => ears.opened());
  socket.on('message', (data) => {
    silent.refresh();
    hear(data.toString(), ears, socket);
  });
  socket.on('ping', () => silent.refresh());
  socket.on('unexpected-response', (_request, response) => {
    refusalOf(response, (error) => ears.closed(error));
  });
  socket.on('error', (error) => ears.closed(unavailable(error)));
  socket.on('close', () => {
    clearTimeout(silent);
    ears.closed();
  });
  return {
    send: (frame) => {
      const said = frame.type === 'hello' && token !== undefined ? { ...frame, token } : frame;
      if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(said));
    },
    close: () => {
      ears.shut();
      clearTimeout(silent);
      socket.terminate();
    },
  };
}

function hear(text: string, ears: Ears, socket: WebSocket): void {
  try {
    ears.heard({ users: [], userIds: [], ...(JSON.parse(text) as Partial<ServerFrame> & { readonly type: string }) });
  } catch (error) {
    ears.closed(internal(error));
    socket.terminate();
  }
}

/** What the server says instead of taking the connection. */
function refusalOf(response: IncomingMessage, told: (error: AppError) => void): void {
  let text = '';
  response.setEncoding('utf8');
  response.on('data', (piece: string) => {
    if (text.length < maxRefusal) text += piece;
  });
  response.on('error', (error: Error) => told(unavailable(error)));
  response.on('end', () => told(fromHttpError(response.statusCode ?? 0, response.headers, text)));
}
