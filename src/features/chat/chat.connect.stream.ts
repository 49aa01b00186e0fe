import { Injectable } from '@nestjs/common';
import type { ClientFrame, ServerFrame } from '../../generated/aerie/chat/v1/chat';
import { detach, guarded } from '../../shared/async/guarded';
import { grpcError } from '../../shared/contract/grpc.status';
import { undecodable } from '../../shared/contract/validation.pipe';
import { AppError } from '../../shared/errors/app-error';
import { validationFailed } from '../../shared/errors/common.errors';
import type { Kind } from '../../shared/errors/kinds';
import type { DuplexCall } from '../../shared/grpc/grpc.stream';
import { ChatClient, type ChatWire } from './chat.client';
import { chatElsewhere } from './chat.errors';
import type { SharedBuffers } from './chat.flusher';
import type { ChatFrame } from './chat.frame';
import { ChatHub } from './chat.hub';
import { receive } from './chat.json-frames';
import type { ChatWireName } from './chat.metrics';

export type ConnectCall = DuplexCall<ClientFrame, ServerFrame>;

const maxBuffered = 64;
// Whoever leaves by itself has no error.
const kindOf: Readonly<Record<string, Kind>> = {
  shutdown: 'unavailable',
  register_timeout: 'deadline',
  slow_reader: 'throttled',
  too_fast: 'throttled',
  username_taken: 'already_exists',
  token_invalid: 'unauthenticated',
};

/** The door for gRPC: `Connect`. */
@Injectable()
export class ChatConnect {
  constructor(private readonly hub: ChatHub) {}

  /** Resolves when the call has ended. A token in the call's metadata stands for a `hello` without one. */
  serve(call: ConnectCall): Promise<void> {
    const bearer = /^Bearer (\S+)$/i.exec(String(call.metadata.get('authorization')[0] ?? ''))?.[1];
    return new ChatConnectSession(call, this.hub, bearer).run();
  }
}

/** Refuses the call where chat runs in another process. */
export async function connectElsewhere(call: ConnectCall): Promise<void> {
  call.emit('error', grpcError(chatElsewhere()));
}

/** One client on gRPC. */
class ChatConnectSession implements ChatWire {
  readonly wire: ChatWireName = 'grpc';
  private readonly client: ChatClient;
  private over = false;

  constructor(
    private readonly call: ConnectCall,
    hub: ChatHub,
    private readonly token: string | undefined,
  ) {
    this.client = hub.connect(this);
  }

  run(): Promise<void> {
    const { call, client } = this;
    return new Promise((resolve) => {
      const gone = guarded(() => {
        this.over = true;
        client.closed();
        resolve();
      });
      call.on(
        'data',
        guarded((frame: ClientFrame) => receive(client, () => this.checked(frame))),
      );
      // It has said all; what it was told so far it still reads.
      call.on(
        'end',
        guarded(() => client.inTurn(() => detach(client.end('exit', 'Goodbye')))),
      );
      call.on('cancelled', gone);
      call.on('error', gone);
      call.on('finish', gone);
    });
  }

  write(frames: readonly ChatFrame[], _shared: SharedBuffers, done: () => void): boolean {
    const { call } = this;
    if (this.over || call.cancelled) return true;
    for (const frame of frames) call.write(frame.message);
    // Its own buffer holds one piece more.
    if (call.writableLength <= maxBuffered) return true;
    call.once('drain', guarded(done));
    return false;
  }

  end(code: string): void {
    if (this.over) return;
    const kind = kindOf[code];
    // What was written goes first; the status says why also to whoever has not read all of it.
    if (kind) this.call.emit('error', grpcError(new AppError(kind, code, `Chat has ended: ${code}`)));
    else this.call.end();
  }

  destroy(code: string): void {
    this.end(code);
  }

  private checked(frame: unknown): unknown {
    if (frame === undecodable) throw validationFailed([{ field: 'frame', message: 'is not a ClientFrame' }]);
    const { type, token } = frame as ClientFrame;
    return type === 'hello' && token === undefined && this.token !== undefined
      ? { ...(frame as ClientFrame), token: this.token }
      : frame;
  }
}
