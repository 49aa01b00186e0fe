import { connect, createServer, type Socket } from 'node:net';
import { ChatConversation } from '../../src/client/chat-conversation';
import type { ChatLink, ChatListener } from '../../src/client/chat-link';
import type { ClientFrame, ServerFrame } from '../../src/generated/aerie/chat/v1/chat';

export type Said = Partial<ServerFrame> & { readonly type: string };

/** A server by hand: each connection, and what the client has said on it. For unit tests: no socket, no process. */
export class HandServer {
  readonly connections: HandConnection[] = [];
  readonly shown: ServerFrame[] = [];
  readonly notes: string[] = [];

  get now(): HandConnection {
    return this.connections.at(-1) as HandConnection;
  }

  /** A client of it, in the lobby. */
  client(patienceMs = Number.POSITIVE_INFINITY): ChatConversation {
    const show = {
      show: (frame: ServerFrame): void => {
        this.shown.push(frame);
      },
      note: (words: string): void => {
        this.notes.push(words);
      },
    };
    const link = (listener: ChatListener): ChatLink => {
      const connection = new HandConnection(listener);
      this.connections.push(connection);
      return connection;
    };
    return new ChatConversation(link, show, { name: 'ada', room: 'lobby', patienceMs });
  }

  /** The texts of the messages that were shown, in order. */
  get texts(): (string | undefined)[] {
    return this.shown.filter(({ type }) => type === 'message').map(({ text }) => text);
  }
}

export class HandConnection implements ChatLink {
  readonly said: ClientFrame[] = [];
  closed = false;

  constructor(readonly listener: ChatListener) {}

  send(frame: ClientFrame): void {
    this.said.push(frame);
  }

  close(): void {
    this.closed = true;
  }

  tell(frame: Said): void {
    if (!this.closed) this.listener.heard({ users: [], userIds: [], ...frame });
  }

  /** The client is taken, in a room that has had so many messages. */
  welcome(seq: number, more: Partial<ServerFrame> = {}): void {
    this.listener.opened();
    this.tell({ type: 'welcome', name: 'ada', room: 'lobby', seq, epoch: 'E1', ...more });
  }

  message(seq: number, text: string, more: Partial<ServerFrame> = {}): void {
    const at = '2026-11-27T12:00:00.000Z';
    this.tell({ type: 'message', room: 'lobby', seq, epoch: 'E1', from: 'bob', text, at, ...more });
  }
}

/** A TCP proxy between a client and a server on this machine. */
export interface ChatProxy extends AsyncDisposable {
  readonly port: number;
  /** What the server says on the connections of now is lost from now on. */
  silence(): void;
  /** Ends all connections. */
  cut(): void;
}

export async function startChatProxy(target: number): Promise<ChatProxy> {
  const pairs = new Map<Socket, Socket>();
  const silent = new WeakSet<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    pairs.set(client, upstream);
    client.on('data', (bytes) => upstream.write(bytes));
    upstream.on('data', (bytes) => {
      if (!silent.has(client)) client.write(bytes);
    });
    for (const socket of [client, upstream]) socket.on('error', () => socket.destroy());
    client.on('close', () => {
      pairs.delete(client);
      upstream.destroy();
    });
    upstream.on('close', () => client.destroy());
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const cut = (): void => {
    for (const client of pairs.keys()) client.destroy();
  };
  return {
    port: (server.address() as { port: number }).port,
    silence: () => {
      for (const client of pairs.keys()) silent.add(client);
    },
    cut,
    [Symbol.asyncDispose]: async () => {
      cut();
      await new Promise((closed) => server.close(closed));
    },
  };
}
