import { createServer, type Server, type Socket } from 'node:net';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { guarded } from '../../shared/async/guarded';
import { Connections } from '../../shared/connections/connections';
import { Listeners } from '../../shared/connections/listeners';
import { ChatHub } from './chat.hub';
import { ChatSettings } from './chat.settings';
import { ChatTcpSession } from './chat.tcp-session';

/** The door for clients that speak lines over TCP. */
@Injectable()
export class ChatTcp implements OnModuleInit {
  private readonly server: Server;

  constructor(
    private readonly hub: ChatHub,
    private readonly settings: ChatSettings,
    private readonly connections: Connections,
    private readonly listeners: Listeners,
  ) {
    // A client may have said all that it has to say and still read.
    this.server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 });
  }

  onModuleInit(): void {
    if (!this.settings.tcp) return;
    this.connections.watch(this.server, 'tcp');
    this.server.on('connection', guarded(this.serve, this.connections.failed));
    this.listeners.add({
      name: 'chat',
      variable: 'CHAT_PORT',
      row: (address) => ['Chat', `${address} (TCP lines)`],
      listen: (host) => this.listen(host),
      stopListening: async () => {
        this.server.close();
      },
      close: () => {
        this.hub.stop();
        return this.hub.wait();
      },
    });
  }

  private readonly serve = (socket: Socket): void => {
    // There may be too many.
    if (!socket.destroyed) new ChatTcpSession(socket, this.hub).begin();
  };

  private listen(host: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.server.once('error', guarded(reject));
      this.server.listen(this.settings.port, host, () => {
        resolve((this.server.address() as { readonly port: number }).port);
      });
    });
  }
}
