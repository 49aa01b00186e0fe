import type { BatchResultErrorEntry, SQS } from '@aws-sdk/client-sqs';
import { ulid } from 'ulid';
import { parseSqsUrl, type SqsAddress } from '../config/sqs-url';
import type { Audiences } from './audiences';
import { Broker, type Receiver } from './broker';
import type { BusMessage } from './bus';
import { type Parcel, pack, unpack } from './parcel';
import { batchesOf, groupOf, lanesOf, maxEntries, type SqsEntry, sendable, tens } from './sqs.batches';
import { isMissing, isRefusal, type SqsQueue, SqsQueues } from './sqs.queues';

export interface SqsBrokerOptions {
  /** Seconds after which a parcel that nobody has settled or extended is delivered again. */
  readonly hiddenSeconds: number;
}

const defaults: SqsBrokerOptions = { hiddenSeconds: 30 };
const packing = { maxMessages: 250, maxLength: 64 * 1024 };
const lanes = 8;
// A parcel of FIFO holds one player's messages, often a single one; of others one call brings enough.
const receivesAtOnce = { fifo: 4, standard: 1 };
const waitSeconds = 1;
// What a handler has rejected is tried again soon, and not at once.
const releasedSeconds = 1;
const connectMs = 1000;
const requestMs = 3000;
const sockets = 200;

/** What every call is given: nothing is waited for after `close`. */
interface Calling {
  readonly abortSignal: AbortSignal;
}

/**
 * Amazon SQS: one queue for each topic and consumer, and a dead-letter queue for each of these. A parcel that its process
 * has not settled in time is delivered again. Queues are made when they are missing. With `fifo` the messages of one key
 * come in their order.
 */
export class SqsBroker extends Broker {
  override readonly kind = 'sqs';
  override readonly extendEveryMs: number;
  private readonly closing = new AbortController();
  private readonly calling: Calling;
  private readonly queues: SqsQueues;

  private constructor(
    private readonly client: SQS,
    private readonly address: SqsAddress,
    private readonly audiences: Audiences,
    private readonly hiddenSeconds: number,
  ) {
    super();
    this.extendEveryMs = (hiddenSeconds * 1000) / 3;
    this.calling = { abortSignal: this.closing.signal };
    this.queues = new SqsQueues(client, address, this.calling);
  }

  /** @throws AddressError when the URL cannot be used, never because nobody answers there */
  static async open(url: string, audiences: Audiences, options: Partial<SqsBrokerOptions> = {}): Promise<SqsBroker> {
    const address = parseSqsUrl(url);
    // Loaded only where there is SQS.
    const { SQS } = await import('@aws-sdk/client-sqs');
    const client = new SQS({
      region: address.region,
      endpoint: address.endpoint,
      maxAttempts: 2,
      requestHandler: {
        connectionTimeout: connectMs,
        requestTimeout: requestMs,
        socketTimeout: requestMs,
        throwOnRequestTimeout: true,
        httpAgent: { maxSockets: sockets },
        httpsAgent: { maxSockets: sockets },
      },
    });
    return new SqsBroker(client, address, audiences, options.hiddenSeconds ?? defaults.hiddenSeconds);
  }

  override async send(topic: string, messages: readonly BusMessage<unknown>[]): Promise<number> {
    const { fifo } = this.address;
    const parcels = pack(messages, { ...packing, byKey: fifo });
    const entries = parcels.map(({ key, text }) => ({ key, text: sendable(text) }));
    const queues = this.audiences.consumersOf(topic).map((consumer) => this.queues.of(topic, consumer));
    // What comes in any order needs few calls; what is ordered by player comes in as many parcels as there are players.
    const ordered = lanesOf(entries, fifo ? lanes : 1);
    const sent = queues.flatMap((queue) => ordered.map((lane) => this.sendInOrder(queue, lane)));
    for (const one of await Promise.allSettled(sent)) {
      if (one.status === 'rejected') throw one.reason;
      if (one.value.length > 0) throw new Error(`SQS did not take ${one.value.length} parcels: ${one.value[0]}`);
    }
    return messages.length;
  }

  override async probe(topic: string): Promise<void> {
    const [consumer = ''] = this.audiences.consumersOf(topic);
    const { url: QueueUrl } = this.queues.of(topic, consumer);
    try {
      await this.client.getQueueAttributes({ QueueUrl, AttributeNames: ['QueueArn'] }, this.calling);
    } catch (error) {
      // Whatever it has against it, it has answered.
      if ((error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode === undefined) throw error;
    }
  }

  override async receiver(topic: string, consumer: string): Promise<Receiver> {
    return new SqsReceiver(this.client, this.queues, this.queues.of(topic, consumer), this.calling, {
      hiddenSeconds: this.hiddenSeconds,
      atOnce: this.address.fifo ? receivesAtOnce.fifo : receivesAtOnce.standard,
    });
  }

  /** Whoever still waits for messages waits no longer. */
  override async close(): Promise<void> {
    this.closing.abort();
    this.client.destroy();
  }

  /** One batch after another. What is not taken keeps nothing behind it from being sent, unless nobody answers at all. */
  private async sendInOrder(queue: SqsQueue, entries: readonly SqsEntry[]): Promise<string[]> {
    const refused: string[] = [];
    for (const batch of batchesOf(entries)) refused.push(...(await this.sendBatch(queue, batch)));
    return refused;
  }

  /** Answers why entries were not taken. Each has an id of its own: equal texts are not the same news, a repeated call is. */
  private async sendBatch(queue: SqsQueue, batch: readonly SqsEntry[]): Promise<string[]> {
    const id = ulid();
    const ordered = ({ key }: SqsEntry, i: number) =>
      this.address.fifo ? { MessageGroupId: groupOf(key), MessageDeduplicationId: `${id}-${i}` } : {};
    const Entries = batch.map((entry, i) => ({ Id: String(i), MessageBody: entry.text, ...ordered(entry, i) }));
    const send = () => this.client.sendMessageBatch({ QueueUrl: queue.url, Entries }, this.calling);
    try {
      const { Failed = [] } = await send().catch(async (error: unknown) => {
        if (!isMissing(error)) throw error;
        await this.queues.make(queue);
        return send();
      });
      return Failed.map(({ Code = 'without a reason' }) => Code);
    } catch (error) {
      if (isRefusal(error)) return batch.map(() => error.name);
      throw error;
    }
  }
}

type Act = (entries: { Id: string; ReceiptHandle: string }[]) => Promise<{ Failed?: BatchResultErrorEntry[] }>;

class SqsReceiver implements Receiver {
  readonly most = maxEntries;
  /** The last call brought as many as it could: there are more. */
  private behind = false;

  constructor(
    private readonly client: SQS,
    private readonly queues: SqsQueues,
    private readonly queue: SqsQueue,
    private readonly calling: Calling,
    private readonly options: { readonly hiddenSeconds: number; readonly atOnce: number },
  ) {}

  /** Waits for a second at most, the least that SQS can wait; several calls at once while there are more than one brings. */
  async receive(): Promise<readonly Parcel[]> {
    try {
      const calls = this.behind
        ? Array.from({ length: this.options.atOnce }, () => this.fetch(0))
        : [this.fetch(waitSeconds)];
      const parcels = (await Promise.all(calls)).flat();
      this.behind = parcels.length >= maxEntries;
      return parcels;
    } catch (error) {
      if (!isMissing(error)) throw error;
      await this.queues.make(this.queue);
      return [];
    }
  }

  async settle(parcels: readonly Parcel[]): Promise<void> {
    await this.forAll(parcels, (Entries) =>
      this.client.deleteMessageBatch({ QueueUrl: this.queue.url, Entries }, this.calling),
    );
  }

  reject(parcels: readonly Parcel[]): Promise<void> {
    return this.settle(parcels);
  }

  release(parcels: readonly Parcel[]): Promise<void> {
    return this.hide(parcels, releasedSeconds);
  }

  extend(parcels: readonly Parcel[]): Promise<void> {
    return this.hide(parcels, this.options.hiddenSeconds);
  }

  private async hide(parcels: readonly Parcel[], VisibilityTimeout: number): Promise<void> {
    await this.forAll(parcels, (entries) => {
      const Entries = entries.map((entry) => ({ ...entry, VisibilityTimeout }));
      return this.client.changeMessageVisibilityBatch({ QueueUrl: this.queue.url, Entries }, this.calling);
    });
  }

  async close(): Promise<void> {}

  private async fetch(WaitTimeSeconds: number): Promise<Parcel[]> {
    const { Messages = [] } = await this.client.receiveMessage(
      {
        QueueUrl: this.queue.url,
        MaxNumberOfMessages: maxEntries,
        WaitTimeSeconds,
        VisibilityTimeout: this.options.hiddenSeconds,
        MessageSystemAttributeNames: ['ApproximateReceiveCount'],
      },
      { ...this.calling, requestTimeout: requestMs + WaitTimeSeconds * 1000 },
    );
    return Messages.map(({ Body = '', ReceiptHandle = '', Attributes }) => ({
      messages: unpack(Body),
      receipt: ReceiptHandle,
      deliveries: Number(Attributes?.ApproximateReceiveCount ?? 1),
    }));
  }

  /** A queue that is gone has nothing left to settle; a receipt that has expired is of a parcel that comes again. */
  private async forAll(parcels: readonly Parcel[], act: Act): Promise<void> {
    const one = async (some: readonly Parcel[]): Promise<void> => {
      const entries = some.map(({ receipt }, i) => ({ Id: String(i), ReceiptHandle: receipt }));
      const { Failed = [] } = await act(entries).catch((error: unknown) => {
        if (!isMissing(error)) throw error;
        return { Failed: [] };
      });
      const failed = Failed.find(({ SenderFault }) => !SenderFault);
      if (failed) throw new Error(`SQS has not done it for a parcel: ${failed.Code}`);
    };
    await Promise.all(tens(parcels).map(one));
  }
}
