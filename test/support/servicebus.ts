import { once } from 'node:events';
import type { AddressInfo, Server, Socket } from 'node:net';
import rhea, { type Connection, type Delivery, type EventContext, type Message, type Sender } from 'rhea';
import { LinkTaker, sessionFilter } from './servicebus-taker';
import { type Outcome, type Rules, Topics } from './servicebus-topics';

// Azure Service Bus as far as its official client needs it for topics with sessions: AMQP 1.0 by rhea, which is what that
// client is made of, too. So the wire is real and the service is ours: only the client is foreign.

// Several messages in one, each encoded in a data section.
const batchFormat = 0x80013700;
const maxMessageSize = 256 * 1024;
// They are missing in rhea's types.
const outcomes = rhea.message as unknown as Record<'accepted' | 'rejected', (of?: object) => { described(): never }>;

export interface ServiceBus extends AsyncDisposable {
  /** As BUS_CONN. */
  readonly url: string;
  readonly port: number;
  readonly topics: Topics;
  /** What went wrong within it. */
  readonly errors: readonly unknown[];
  /** True: it lets in nobody more, as one that knows no such key. */
  refusing: boolean;
  /** Puts a text into a topic, as somebody else would. */
  send(topic: string, sessionId: string, text: string): void;
  /** Cuts all connections and listens no more. Messages stay, and so do locks until they expire. */
  kill(): Promise<void>;
  /** Again on the same port. */
  restart(): Promise<void>;
  /** Reads nothing more, and so says nothing, until `resume`. */
  freeze(): void;
  resume(): void;
}

/** `connectionTo(port)` is the connection string of a server, or of a proxy, on this loopback port. */
export function connectionTo(port: number): string {
  const key = 'SharedAccessKeyName=Tests;SharedAccessKey=a-key-of-the-tests';
  return `Endpoint=sb://127.0.0.1:${port}/;${key};UseDevelopmentEmulator=true`;
}

/** The client's own time limits, a minute each, outlive a connection that is lost: they must not keep the tests running. */
function letGoOfLongTimers(): void {
  const { setTimeout: real } = globalThis;
  const wrapped = (...given: Parameters<typeof real>): NodeJS.Timeout => {
    const timer = real(...given);
    return (given[1] ?? 0) >= 55_000 ? timer.unref() : timer;
  };
  globalThis.setTimeout = Object.assign(wrapped, real) as typeof real;
}

export async function startServiceBus(rules: Rules): Promise<ServiceBus> {
  letGoOfLongTimers();
  const bus = new OwnServiceBus(rules);
  await bus.start();
  return bus;
}

class OwnServiceBus implements ServiceBus {
  readonly topics: Topics;
  readonly errors: unknown[] = [];
  refusing = false;
  port = 0;
  private readonly sockets = new Set<Socket>();
  private server: Server | undefined;
  private frozen = false;
  private readonly takers = new Map<Sender, LinkTaker>();
  private readonly container = rhea.create_container({
    autoaccept: false,
    treat_modified_as_released: false,
    receiver_options: { max_message_size: maxMessageSize, autoaccept: false },
  });

  constructor(rules: Rules) {
    this.topics = new Topics(rules);
    const on = (event: string, work: (context: EventContext) => void): void => {
      this.container.on(event, (context: EventContext) => {
        try {
          work(context);
        } catch (error) {
          this.errors.push(error);
        }
      });
    };
    on('sender_open', (context) => this.senderOpened(context.sender as Sender));
    on('receiver_open', ({ receiver }) => this.refuseMissing(receiver?.target.address ?? '', receiver));
    on('message', (context) => this.receive(context));
    on('sender_flow', ({ sender }) => this.takers.get(sender as Sender)?.session?.pump());
    on('accepted', (context) => this.finish(context, 'completed'));
    on('modified', (context) => this.finish(context, 'abandoned'));
    on('rejected', (context) => this.finish(context, 'rejected'));
    // The client has given the session back. One whose connection is lost keeps the lock until that expires.
    on('sender_close', ({ sender }) => this.left(sender as Sender, true));
    on('connection_close', ({ connection }) => this.gone(connection, true));
    on('disconnected', ({ connection }) => this.gone(connection, false));
    for (const event of ['error', 'protocol_error']) this.container.on(event, (error) => this.errors.push(error));
  }

  get url(): string {
    return connectionTo(this.port);
  }

  send(topic: string, sessionId: string, text: string): void {
    const body = rhea.message.data_section(Buffer.from(text));
    this.topics.send(topic, { group_id: sessionId, body } as Message);
  }

  async start(): Promise<void> {
    const server = this.container.listen({ port: this.port, host: '127.0.0.1' });
    server.on('connection', (socket: Socket) => {
      this.sockets.add(socket);
      if (this.frozen) socket.pause();
      socket.once('close', () => this.sockets.delete(socket));
    });
    await once(server, 'listening');
    this.port = (server.address() as AddressInfo).port;
    this.server = server;
  }

  async kill(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    const closed = server && new Promise((done) => server.close(done));
    for (const socket of this.sockets) socket.destroy(new Error('The server is gone'));
    await closed;
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  freeze(): void {
    this.frozen = true;
    for (const socket of this.sockets) socket.pause();
  }

  resume(): void {
    this.frozen = false;
    for (const socket of this.sockets) socket.resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    // Of the locks.
    this.topics.wipe();
  }

  private refuseMissing(path: string, link: EventContext['receiver'] | Sender): boolean {
    if (this.topics.has(path)) return false;
    link?.close({ condition: 'amqp:not-found', description: `The messaging entity '${path}' could not be found.` });
    return true;
  }

  /** A client that wants to receive: answers to its requests, or the next session. */
  private senderOpened(sender: Sender): void {
    const { address, filter } = sender.source as { address: string; filter?: Record<string, unknown> };
    sender.set_source({ address });
    if (this.refuseMissing(address, sender) || !filter || !(sessionFilter in filter)) return;
    const [topic = '', , name = ''] = address.split('/');
    const subscription = this.topics.subscription(topic, name);
    const taker = new LinkTaker(sender, address);
    this.takers.set(sender, taker);
    taker.holdBack(() => subscription.leave(taker));
    subscription.accept(taker);
  }

  private left(sender: Sender, released: boolean): void {
    const taker = this.takers.get(sender);
    if (!taker) return;
    this.takers.delete(sender);
    taker.stop();
    if (released && taker.session?.isHeldBy(taker)) taker.session.free(false);
  }

  private gone(connection: Connection, released: boolean): void {
    for (const sender of this.takers.keys()) if (sender.connection === connection) this.left(sender, released);
  }

  private receive({ receiver, message, delivery, session }: EventContext): void {
    const address = receiver?.target.address ?? '';
    if (address === '$cbs' || address.endsWith('/$management')) {
      delivery?.accept();
      const answer = address === '$cbs' ? this.judgeToken() : this.manage(address, message as Message);
      const { body, ...properties } = answer as { body?: unknown };
      const link = session?.find_sender(() => true);
      link?.send({
        correlation_id: message?.message_id,
        application_properties: properties,
        body: body ?? {},
      } as Message);
      return;
    }
    // Batches come as bytes.
    const parts = (delivery as Delivery).format === batchFormat ? partsOf(message as unknown as Buffer) : [message];
    for (const part of parts) this.topics.send(address, part as Message);
    delivery?.accept();
  }

  private judgeToken(): object {
    if (!this.refusing) return { 'status-code': 202 };
    const words = 'InvalidSignature: The token has an invalid signature.';
    return { 'status-code': 401, 'status-description': words };
  }

  /** Answers what is asked for here: to renew the lock of a session, and to look at messages. */
  private manage(address: string, { application_properties: asked, body }: Message): object {
    if (asked?.operation === 'com.microsoft:peek-message') return this.peek(address, body['message-count']);
    if (asked?.operation !== 'com.microsoft:renew-session-lock')
      return { statusCode: 501, statusDescription: `Not here: ${asked?.operation}` };
    const link = String(asked['associated-link-name']);
    const taker = [...this.takers.values()].find((one) => one.isLink(address, link, body['session-id']));
    if (!taker?.session?.isHeldBy(taker))
      return { statusCode: 410, errorCondition: 'com.microsoft:session-lock-lost', statusDescription: 'It is lost' };
    taker.session.renew();
    return { statusCode: 200, body: { expiration: new Date(taker.session.lockedUntil) } };
  }

  /** The oldest messages of a subscription that wait there: nothing becomes of them. */
  private peek(address: string, count: number): object {
    const [topic = '', , name = ''] = address.split('/');
    const seen = this.topics.subscription(topic, name).peek(count);
    if (seen.length === 0) return { statusCode: 204 };
    const messages = seen.map(({ message, sequence }) => {
      const annotations = { 'x-opt-sequence-number': rhea.types.wrap_long(sequence) };
      return { message: rhea.message.encode({ ...message, message_annotations: annotations }) };
    });
    return { statusCode: 200, body: { messages } };
  }

  private finish({ sender, delivery }: EventContext, outcome: Outcome): void {
    const taker = this.takers.get(sender as Sender);
    const one = delivery as Delivery & { tag: Buffer; remote_settled: boolean };
    const done = taker?.session?.isHeldBy(taker) && taker.session.finish(one.tag, outcome, reasonOf(one));
    const error = { condition: 'com.microsoft:session-lock-lost', description: 'The lock of the session is lost' };
    one.update(true, (done ? outcomes.accepted() : outcomes.rejected({ error })).described());
    // The client settles without a word, being the second to do so; rhea would keep the delivery for ever.
    one.remote_settled = true;
  }
}

function reasonOf({ remote_state }: Delivery): string {
  const { error } = (remote_state ?? {}) as { error?: { info?: Record<string, string> } };
  return error?.info?.DeadLetterReason ?? '';
}

function partsOf(batch: Buffer): Message[] {
  const { content } = rhea.message.decode(batch).body as { content: Buffer | Buffer[] };
  return [content].flat().map((part) => rhea.message.decode(part) as unknown as Message);
}
