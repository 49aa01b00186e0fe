import type { Socket } from 'node:net';
import { detach, guarded } from '../../shared/async/guarded';
import { ChatClient, type ChatWire } from './chat.client';
import { chatText, cut, lobby } from './chat.fields';
import type { SharedBuffers } from './chat.flusher';
import { ChatFrame } from './chat.frame';
import type { ChatHub } from './chat.hub';
import { commandOf } from './chat.lines';
import type { ChatWireName } from './chat.metrics';

const maxLine = 4096;
const newline = 0x0a;
const carriageReturn = 0x0d;
const tlsHello = 0x16;
const httpRequest = /^[A-Z]{3,10} \S{1,2000} HTTP\/1\.[01]$/;
const noHttp =
  'HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nThis port speaks chat lines.\n';

/**
 * One client on TCP: bytes become lines, lines become what a client says. A line has 4 KiB at most, ends with LF or CRLF,
 * and is UTF-8, whose characters may come in several pieces.
 */
export class ChatTcpSession implements ChatWire {
  readonly wire: ChatWireName = 'tcp';
  private readonly client: ChatClient;
  private readonly decoder = new TextDecoder('utf-8', { fatal: true });
  private rest = Buffer.alloc(0);
  private lines = 0;

  constructor(
    private readonly socket: Socket,
    hub: ChatHub,
  ) {
    this.client = hub.connect(this);
  }

  begin(): void {
    const { socket, client } = this;
    const gone = guarded(() => client.closed());
    socket.on(
      'data',
      guarded((bytes: Buffer) => this.read(bytes)),
    );
    // What is left has no end and was not said; what the client was told so far it still reads.
    socket.on(
      'end',
      guarded(() => client.inTurn(() => detach(client.end('exit', 'Goodbye')))),
    );
    socket.on(
      'error',
      guarded(() => socket.destroy()),
    );
    socket.on('close', gone);
    client.push(new ChatFrame({ type: 'prompt' }));
  }

  hears(frame: ChatFrame): boolean {
    return frame.line !== '';
  }

  write(frames: readonly ChatFrame[], shared: SharedBuffers, done: () => void): boolean {
    const { socket } = this;
    if (socket.destroyed) return true;
    let isTaken = false;
    const later = (): void => {
      if (!isTaken) done();
    };
    socket.write(shared.lines(frames), guarded(later));
    isTaken = socket.writableLength === 0;
    return isTaken;
  }

  end(): void {
    this.socket.end();
    // Whoever keeps its side open has had all that there is.
    this.socket.resume();
    setTimeout(
      guarded(() => this.socket.destroy()),
      1000,
    ).unref();
  }

  destroy(): void {
    this.socket.destroy();
  }

  private read(bytes: Buffer): void {
    if (this.lines === 0 && this.rest.length === 0 && bytes[0] === tlsHello) {
      detach(this.client.end('plain_text', 'This port speaks plain text, without TLS'));
      return;
    }
    let from = 0;
    for (let end = bytes.indexOf(newline); end !== -1; end = bytes.indexOf(newline, from)) {
      const line = bytes.subarray(from, end);
      from = end + 1;
      const whole = this.rest.length === 0 ? line : Buffer.concat([this.rest, line]);
      this.rest = Buffer.alloc(0);
      if (lengthOf(whole) > maxLine) {
        this.tooLong();
        return;
      }
      if (this.client.hasEnded) return;
      this.lines += 1;
      this.take(whole);
    }
    // Its last byte may be the first of CRLF.
    if (this.rest.length + bytes.length - from > maxLine + 1) {
      this.tooLong();
      return;
    }
    // A copy: the pool behind it is larger than what is left.
    if (from < bytes.length) this.rest = Buffer.concat([this.rest, bytes.subarray(from)]);
  }

  private take(bytes: Buffer): void {
    const line = this.textOf(bytes);
    if (line !== undefined && httpRequest.test(line) && !this.client.isRegistered) {
      this.refuseHttp();
      return;
    }
    if (!this.client.admit()) return;
    if (line === undefined) this.client.inTurn(() => this.client.refuse('invalid_text', 'A line is UTF-8'));
    else this.client.inTurn(() => this.say(line));
  }

  private say(line: string): void {
    const { client } = this;
    if (!client.isRegistered) {
      const token = /^\/token ([\w.-]{1,4000})$/.exec(line)?.[1];
      client.handle({ type: 'hello', name: token === undefined ? line : undefined, token, room: lobby });
      return;
    }
    if (line.trim() === '') return;
    const text = chatText(line);
    if (text === undefined) {
      client.refuse('invalid_text', 'No control characters');
      return;
    }
    const spoken = commandOf(text);
    if (typeof spoken === 'string') client.refuse(spoken, '');
    else client.handle('text' in spoken ? { ...spoken, text: cut(spoken.text) } : spoken);
  }

  /** Undefined for what is no UTF-8. */
  private textOf(bytes: Buffer): string | undefined {
    try {
      return this.decoder.decode(bytes.subarray(0, lengthOf(bytes)));
    } catch {
      return undefined;
    }
  }

  private tooLong(): void {
    this.rest = Buffer.alloc(0);
    this.client.refuse('line_too_long', '');
    detach(this.client.end('line_too_long', 'A line has at most 4096 bytes'));
  }

  private refuseHttp(): void {
    this.socket.end(noHttp);
    this.client.closed();
    this.destroySoon();
  }

  private destroySoon(): void {
    setTimeout(
      guarded(() => this.socket.destroy()),
      1000,
    ).unref();
  }
}

/** Of a line without the carriage return that stands before its end. */
function lengthOf(line: Buffer): number {
  return line.at(-1) === carriageReturn ? line.length - 1 : line.length;
}
