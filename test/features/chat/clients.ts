import { connect, type Socket } from 'node:net';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { loadSync, type MethodDefinition, type ServiceDefinition } from '@grpc/proto-loader';
import { request } from 'undici';
import { WebSocket } from 'ws';
import { chatContract } from '../../../src/features/chat/chat.api';
import { loaderOptions, protoFile } from '../../../src/shared/contract/proto';
import { eventually } from '../../support/eventually';

export type Heard = Record<string, unknown> & { readonly type: string };

/** One client of chat on some wire, and all that it was told. */
export interface ChatTestClient {
  readonly wire: 'tcp' | 'websocket' | 'grpc';
  readonly name: string;
  /** `<name>: <text>` of each message, in order. */
  said(): string[];
  say(text: string): void;
  whisper(to: string, text: string): void;
  /** Resolves when the server has told it that it is in. */
  enter(name: string): Promise<void>;
  /** Reads nothing more until `resume`. */
  pause(): void;
  resume(): void;
  /** How many frames or lines the server says were missed. */
  missed(): number;
  close(): void;
  readonly ended: Promise<void>;
}

/** A plain socket and the lines that it was sent. */
export class TcpClient implements ChatTestClient {
  readonly wire = 'tcp';
  name = '';
  readonly socket: Socket;
  private text = '';
  readonly ended: Promise<void>;

  constructor(port: number, options: { readonly allowHalfOpen?: boolean } = {}) {
    this.socket = connect({ port, host: '127.0.0.1', ...options });
    this.socket.setEncoding('utf8');
    this.socket.on('data', (text: string) => {
      this.text += text;
    });
    this.socket.on('error', () => undefined);
    this.ended = new Promise((resolve) => this.socket.once('close', () => resolve()));
  }

  /** Everything that came. */
  get all(): string {
    return this.text;
  }

  get lines(): string[] {
    return this.text.split('\n').slice(0, -1);
  }

  /** Forgets what came so far. */
  clear(): void {
    this.text = '';
  }

  send(text: string | Buffer): void {
    this.socket.write(text);
  }

  async hears(line: string): Promise<void> {
    await eventually(async () => expect(this.lines).toContain(line));
  }

  async enter(name: string): Promise<void> {
    this.name = name;
    this.send(`${name}\n`);
    await this.hears('OK');
  }

  say(text: string): void {
    this.send(`${text}\n`);
  }

  whisper(to: string, text: string): void {
    this.send(`/w ${to} ${text}\n`);
  }

  said(): string[] {
    return this.lines.filter((line) => /^\S+: /.test(line) && !/^(SYSTEM|USERS|ERR): /.test(line));
  }

  missed(): number {
    return this.lines.reduce((sum, line) => sum + Number(/^MISSED (\d+)$/.exec(line)?.[1] ?? 0), 0);
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  close(): void {
    this.socket.destroy();
  }
}

/** What frames have in common on WebSocket and gRPC. */
abstract class FrameClient {
  name = '';
  readonly heard: Heard[] = [];

  abstract send(frame: Record<string, unknown>): void;

  of(type: string): Heard[] {
    return this.heard.filter((one) => one.type === type);
  }

  async hears(type: string, count = 1): Promise<Heard> {
    await eventually(async () => expect(this.of(type).length).toBeGreaterThanOrEqual(count));
    return this.of(type)[count - 1] as Heard;
  }

  async enter(name: string, more: Record<string, unknown> = {}): Promise<void> {
    this.name = name;
    this.send({ type: 'hello', ...(name === '' ? {} : { name }), ...more });
    await this.hears('welcome');
  }

  say(text: string, id?: string): void {
    this.send({ type: 'say', text, ...(id === undefined ? {} : { id }) });
  }

  whisper(to: string, text: string): void {
    this.send({ type: 'whisper', to, text });
  }

  said(): string[] {
    return this.of('message').map(({ from, text }) => `${from}: ${text}`);
  }

  missed(): number {
    return this.of('missed').reduce((sum, { count }) => sum + Number(count), 0);
  }
}

export class WsClient extends FrameClient implements ChatTestClient {
  readonly wire = 'websocket';
  readonly socket: WebSocket;
  readonly opened: Promise<void>;
  readonly ended: Promise<void>;
  code = 0;

  constructor(url: string, protocols: string[] = [], headers: Record<string, string> = {}) {
    super();
    this.socket = new WebSocket(`${url.replace('http', 'ws')}/chat/ws`, protocols, { headers });
    this.opened = new Promise((resolve, reject) => {
      this.socket.once('open', () => resolve());
      this.socket.once('error', reject);
    });
    // Whoever waits for neither is not to end the test.
    this.opened.catch(() => undefined);
    this.ended = new Promise((resolve) => {
      this.socket.once('close', (code: number) => {
        this.code = code;
        resolve();
      });
    });
    this.socket.on('message', (data: Buffer) => this.heard.push(JSON.parse(data.toString()) as Heard));
  }

  send(frame: Record<string, unknown>): void {
    this.socket.send(JSON.stringify(frame));
  }

  override async enter(name: string, more: Record<string, unknown> = {}): Promise<void> {
    await this.opened;
    await super.enter(name, more);
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  close(): void {
    this.socket.terminate();
  }
}

const service = loadSync(protoFile(chatContract), loaderOptions)['aerie.chat.v1.ChatService'] as ServiceDefinition;
const connectMethod = service.Connect as MethodDefinition<object, Heard>;

export class GrpcClient extends FrameClient implements ChatTestClient {
  readonly wire = 'grpc';
  readonly call;
  readonly ended: Promise<void>;
  error: unknown;
  private readonly client: Client;

  constructor(address: string, metadata: Record<string, string> = {}) {
    super();
    this.client = new Client(address, credentials.createInsecure());
    const said = new Metadata();
    for (const [name, value] of Object.entries(metadata)) said.set(name, value);
    const { path, requestSerialize, responseDeserialize } = connectMethod;
    this.call = this.client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, said);
    this.call.on('data', (frame: Heard) => this.heard.push(frame));
    this.call.on('error', (error) => {
      this.error = error;
    });
    this.ended = new Promise((resolve) => {
      for (const event of ['end', 'error', 'close']) this.call.once(event, () => resolve());
    });
  }

  send(frame: Record<string, unknown>): void {
    this.call.write(frame);
  }

  pause(): void {
    this.call.pause();
  }

  resume(): void {
    this.call.resume();
  }

  close(): void {
    this.call.cancel();
    this.client.close();
  }
}

/** Server-sent events as they come; `id` is the last one. */
export class SseClient {
  readonly heard: Heard[] = [];
  id = '';
  status = 0;
  private readonly stopping = new AbortController();

  async open(url: string, path = '/chat/stream', headers: Record<string, string> = {}): Promise<this> {
    const { statusCode, body } = await request(`${url}${path}`, { headers, signal: this.stopping.signal });
    this.status = statusCode;
    const read = async (): Promise<void> => {
      let text = '';
      for await (const chunk of body) {
        text += String(chunk);
        const events = text.split('\n\n');
        text = events.pop() ?? '';
        for (const event of events) this.take(event);
      }
    };
    // It ends when the test does.
    read().catch(() => undefined);
    return this;
  }

  close(): void {
    this.stopping.abort();
  }

  private take(event: string): void {
    for (const line of event.split('\n')) {
      if (line.startsWith('id: ')) this.id = line.slice(4);
      if (line.startsWith('data: ')) this.heard.push(JSON.parse(line.slice(6)) as Heard);
    }
  }
}
