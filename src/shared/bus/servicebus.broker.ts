import { createHash } from 'node:crypto';
import type { ServiceBusClient, ServiceBusMessage, ServiceBusSender } from '@azure/service-bus';
import { detach } from '../async/guarded';
import { within } from '../async/within';
import { Broker, type Receiver } from './broker';
import type { BusMessage } from './bus';
import { pack } from './parcel';
import { explained } from './servicebus.errors';
import { ServiceBusLine } from './servicebus.line';
import { ServiceBusReceiver } from './servicebus.receiver';

export interface ServiceBusBrokerOptions {
  /** Milliseconds between renewals of a session's lock, which is for at least three times as long. */
  readonly extendEveryMs: number;
  /** Milliseconds that a session without messages is kept for its next one. */
  readonly lingerMs: number;
  /** Milliseconds after which what failed is delivered again. */
  readonly againMs: number;
}

const defaults: ServiceBusBrokerOptions = { extendEveryMs: 5000, lingerMs: 200, againMs: 500 };
// Of a message 256 KiB are taken in the Standard tier; a character has up to three bytes.
const packing = { maxMessages: 250, maxLength: 64 * 1024, byKey: true };
const sendLimitMs = 10_000;
// One more try for what is sent: a link that was silent for ten minutes is cut off by the service.
const sending = { maxRetries: 1, retryDelayInMs: 200, timeoutInMs: 4000 };
// The time limit is also for how long the service holds back the answer that no session has messages. It is short since
// nothing ends that wait earlier, not even closing.
const receiving = { maxRetries: 0, timeoutInMs: 1000 };
const maxSessionId = 128;

type Connect = (retryOptions: object) => ServiceBusClient;

/**
 * Azure Service Bus: our topics are its topics, and each consumer is a subscription with sessions. A session is a key, so
 * the messages of one key come in order to one process at a time. Topics and subscriptions are made by whoever deploys.
 */
export class ServiceBusBroker extends Broker {
  override readonly kind = 'servicebus';
  override readonly extendEveryMs: number;
  private readonly options: ServiceBusBrokerOptions;
  private line: ServiceBusLine | undefined;
  private readonly senders = new Map<string, ServiceBusSender>();

  private constructor(
    private readonly connect: Connect,
    options: Partial<ServiceBusBrokerOptions>,
  ) {
    super();
    this.options = { ...defaults, ...options };
    this.extendEveryMs = this.options.extendEveryMs;
  }

  /** Connects with the first message. `connection`: checked before (`parseServiceBusConnection`). */
  static async open(connection: string, options: Partial<ServiceBusBrokerOptions> = {}): Promise<ServiceBusBroker> {
    // Loaded only where it is asked for: it takes 0.7 s.
    const sdk = await import('@azure/service-bus');
    const connect: Connect = (retryOptions) =>
      new sdk.ServiceBusClient(connection, { retryOptions: { ...retryOptions } });
    return new ServiceBusBroker(connect, options);
  }

  override async send(topic: string, messages: readonly BusMessage<unknown>[]): Promise<number> {
    try {
      return await within(this.sendAll(topic, messages), sendLimitMs, () => detach(this.close()));
    } catch (error) {
      throw explained(error, topic);
    }
  }

  /** A batch that stays empty: the link on which it would go is there. */
  override async probe(topic: string): Promise<void> {
    await this.send(topic, []);
  }

  /** With a connection of its own, which ends with it. */
  override async receiver(topic: string, consumer: string): Promise<Receiver> {
    const connect = (): ServiceBusLine => new ServiceBusLine(this.connect(receiving));
    return new ServiceBusReceiver(connect, { ...this.options, topic, consumer });
  }

  /** What is sent later is sent over another connection. */
  override async close(): Promise<void> {
    const { line } = this;
    this.line = undefined;
    this.senders.clear();
    await line?.end();
  }

  private senderOf(topic: string, { client }: ServiceBusLine): ServiceBusSender {
    const sender = this.senders.get(topic) ?? client.createSender(topic);
    this.senders.set(topic, sender);
    return sender;
  }

  /** One batch after another: so the order of a key is kept. */
  private async sendAll(topic: string, messages: readonly BusMessage<unknown>[]): Promise<number> {
    this.line ??= new ServiceBusLine(this.connect(sending));
    const options = { abortSignal: this.line.signal };
    const sender = this.senderOf(topic, this.line);
    let taken = 0;
    let batch = await sender.createMessageBatch(options);
    for (const { key, text, count } of pack(messages, packing)) {
      const message = messageOf(key, text);
      let fits = batch.tryAddMessage(message);
      if (!fits && batch.count > 0) {
        await sender.sendMessages(batch, options);
        batch = await sender.createMessageBatch(options);
        fits = batch.tryAddMessage(message);
      }
      if (fits) taken += count;
    }
    if (batch.count > 0) await sender.sendMessages(batch, options);
    return taken;
  }
}

/** Bytes: of a text the SDK would make JSON again. */
function messageOf(key: string, text: string): ServiceBusMessage {
  const isSessionId = key !== '' && key.length <= maxSessionId;
  const sessionId = isSessionId ? key : createHash('sha256').update(key).digest('hex');
  return { body: Buffer.from(text), contentType: 'application/json', sessionId };
}
