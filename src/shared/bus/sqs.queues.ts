import type { SQS } from '@aws-sdk/client-sqs';
import type { SqsAddress } from '../config/sqs-url';
import { queueStem } from './sqs.batches';

/** One consumer's queue of a topic. */
export interface SqsQueue {
  readonly url: string;
  readonly name: string;
  /** Of the queue where messages end whose process died each time. */
  readonly deadName: string;
}

const maxDeliveries = 5;
// What is older was found in its place of origin long ago; and what nobody fetches must not be paid for days.
const keepSeconds = 3600;
const keepDeadSeconds = 14 * 24 * 3600;
const dedupe = { FifoQueue: 'true', ContentBasedDeduplication: 'false' };
const manyGroups = { DeduplicationScope: 'messageGroup', FifoThroughputLimit: 'perMessageGroupId' };

/** The queues of an address: how they are called, and that they are there. Any may vanish at any instant. */
export class SqsQueues {
  private readonly making = new Map<string, Promise<void>>();

  constructor(
    private readonly client: SQS,
    private readonly address: SqsAddress,
    private readonly calling: { readonly abortSignal: AbortSignal },
  ) {}

  of(topic: string, consumer: string): SqsQueue {
    const { prefix, endpoint, account, fifo } = this.address;
    const stem = queueStem(prefix, topic, consumer);
    const ending = fifo ? '.fifo' : '';
    const name = `${stem}${ending}`;
    return { name, deadName: `${stem}-dead${ending}`, url: `${endpoint}/${account}/${name}` };
  }

  /** Makes a queue and its dead-letter queue unless they are there; several who ask at once wait for one. */
  make(queue: SqsQueue): Promise<void> {
    const making = this.making.get(queue.name) ?? this.makeBoth(queue).finally(() => this.making.delete(queue.name));
    this.making.set(queue.name, making);
    return making;
  }

  private async makeBoth({ name, deadName, url }: SqsQueue): Promise<void> {
    const kind = this.address.fifo ? { ...dedupe, ...manyGroups } : {};
    const deadUrl = url.slice(0, -name.length) + deadName;
    await this.create(deadName, deadUrl, { ...kind, MessageRetentionPeriod: String(keepDeadSeconds) });
    const asked = { QueueUrl: deadUrl, AttributeNames: ['QueueArn' as const] };
    const { Attributes: dead } = await this.client.getQueueAttributes(asked, this.calling);
    await this.create(name, url, {
      ...kind,
      MessageRetentionPeriod: String(keepSeconds),
      VisibilityTimeout: '30',
      ReceiveMessageWaitTimeSeconds: '1',
      RedrivePolicy: JSON.stringify({ deadLetterTargetArn: dead?.QueueArn, maxReceiveCount: maxDeliveries }),
    });
  }

  /** @throws Error when the credentials are those of another account, which would have the queue to itself */
  private async create(name: string, url: string, attributes: Record<string, string>): Promise<void> {
    try {
      const made = await this.client.createQueue({ QueueName: name, Attributes: attributes }, this.calling);
      if (new URL(made.QueueUrl ?? url).pathname === new URL(url).pathname) return;
    } catch (error) {
      // Somebody has made it with attributes of their own.
      if (isCalled(error, 'QueueNameExists', 'QueueAlreadyExists')) return;
      throw error;
    }
    throw new Error('The credentials are not those of the account that BUS_CONN names');
  }
}

/** The queue is not there, or not any more. */
export function isMissing(error: unknown): boolean {
  return isCalled(error, 'QueueDoesNotExist', 'AWS.SimpleQueueService.NonExistentQueue');
}

/** SQS has answered that it does not take this. */
export function isRefusal(error: unknown): error is Error {
  return error instanceof Error && '$fault' in error && error.$fault === 'client';
}

function isCalled(error: unknown, ...names: readonly string[]): boolean {
  return error instanceof Error && names.includes(error.name);
}
