// Clients of chat that cost little: the load generator has thousands of them on one thread. What is said has its sender's stamp
// in it: `@<microseconds>;`.
import { connect } from 'node:net';

const newline = 10;
const stamps = /@(\d+);/g;
const [textFrame, closeFrame, pingFrame, pongFrame] = [0x81, 0x88, 0x89, 0x8a];
const isMessage = '{"type":"message"';

/** A client in the room. `heard(count, stamps)`: so many messages have come; their stamps where it is a `witness`. */
class Client {
  witness = false;
  heard = () => {};
  closed = false;
  saidAt = Number.NEGATIVE_INFINITY;

  constructor(port) {
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.socket.on('error', () => this.socket.destroy());
    this.socket.on('close', () => {
      this.closed = true;
    });
  }

  /** Resolves when the server has taken it. @throws when the connection closes before */
  enter(name) {
    return new Promise((resolve, reject) => {
      this.socket.once('close', () => reject(new Error(`${name} was not let in`)));
      this.admitted = resolve;
      this.greet(name);
      this.socket.on('data', (chunk) => this.read(chunk));
    });
  }

  stall() {
    this.socket.pause();
  }

  close() {
    this.socket.destroy();
  }
}

class TcpClient extends Client {
  #rest = '';
  #in = false;

  greet(name) {
    this.socket.write(`${name}\n`);
  }

  say(text) {
    this.socket.write(`${text}\n`);
  }

  whisper(to, text) {
    this.socket.write(`/w ${to} ${text}\n`);
  }

  read(chunk) {
    if (!this.#in) {
      this.#rest += chunk.latin1Slice();
      if (!/^OK$/m.test(this.#rest)) return;
      this.#in = true;
      this.#rest = '';
      this.admitted();
      return;
    }
    let count = 0;
    for (let at = chunk.indexOf(newline); at !== -1; at = chunk.indexOf(newline, at + 1)) count += 1;
    this.heard(count, this.witness ? this.#stamps(chunk) : undefined);
  }

  #stamps(chunk) {
    const text = this.#rest + chunk.latin1Slice();
    const end = text.lastIndexOf('\n') + 1;
    this.#rest = text.slice(end);
    return stampsOf(text.slice(0, end));
  }
}

class WebSocketClient extends Client {
  #rest = Buffer.alloc(0);
  #upgraded = false;
  #hello;
  #in = false;

  greet(name) {
    this.#hello = { type: 'hello', name };
    this.socket.write(
      'GET /chat/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    );
  }

  say(text) {
    this.#send({ type: 'say', text });
  }

  whisper(to, text) {
    this.#send({ type: 'whisper', to, text });
  }

  #send(frame) {
    this.socket.write(masked(textFrame, Buffer.from(JSON.stringify(frame))));
  }

  read(chunk) {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    if (!this.#upgraded) {
      const end = bytes.indexOf('\r\n\r\n');
      if (end === -1) {
        this.#rest = bytes;
        return;
      }
      this.#upgraded = true;
      this.#send(this.#hello);
      bytes = bytes.subarray(end + 4);
    }
    this.#rest = this.#frames(bytes);
  }

  /** Answers what is left of a frame that is not whole. */
  #frames(bytes) {
    let [at, count] = [0, 0];
    const found = this.witness ? [] : undefined;
    for (;;) {
      const short = bytes[at + 1];
      const head = short === 126 ? 4 : short === 127 ? 10 : 2;
      if (bytes.length < at + head) break;
      const length =
        head === 2 ? short : head === 4 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
      const end = at + head + length;
      if (bytes.length < end) break;
      const payload = bytes.subarray(at + head, end);
      if (this.#take(bytes[at], payload)) {
        count += 1;
        found?.push(...stampsOf(payload.latin1Slice()));
      }
      at = end;
    }
    if (count > 0) this.heard(count, found);
    return bytes.subarray(at);
  }

  /** Whether the frame is a message of the room. */
  #take(opcode, payload) {
    if (opcode === pingFrame) this.socket.write(masked(pongFrame, payload));
    if (opcode === closeFrame) this.socket.end();
    if (opcode !== textFrame) return false;
    if (!this.#in && payload.includes('"type":"welcome"')) {
      this.#in = true;
      this.admitted();
    }
    return payload.latin1Slice(0, isMessage.length) === isMessage;
  }
}

/** With a mask of zeros, which RFC 6455 allows and which costs nothing. */
function masked(opcode, payload) {
  const { length } = payload;
  const head =
    length < 126 ? Buffer.from([opcode, 0x80 | length]) : Buffer.from([opcode, 0xfe, length >> 8, length & 255]);
  return Buffer.concat([head, Buffer.alloc(4), payload]);
}

/** The stamps in what was heard, in order: microseconds. */
export function stampsOf(text) {
  return Array.from(text.matchAll(stamps), ([, stamp]) => Number(stamp));
}

/** `target`: `{ chatPort, httpPort }` of a server. */
export function chatClient(wire, { chatPort, httpPort }) {
  return wire === 'websocket' ? new WebSocketClient(httpPort) : new TcpClient(chatPort);
}
