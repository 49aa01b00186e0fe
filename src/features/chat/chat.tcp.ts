import { createServer, type Server, type Socket } from 'node:net';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { guarded } from '../../shared/async/guarded';
import { Connections } from '../../shared/connections/connections';
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
  ) {
    // A client may have said all that it has to say and still read.
    this.server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 });
  }

  onModuleInit(): void {
    this.connections.watch(this.server, 'http');
    this.server.on(
      'connection',
      guarded((socket: Socket) => {
        if (!socket.destroyed) new ChatTcpSession(socket, this.hub).begin();
      }, this.connections.failed),
    );
    void this.settings;
  }
}
