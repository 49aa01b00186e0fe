import { SQS } from '@aws-sdk/client-sqs';
import { Audiences } from '../../../src/shared/bus/audiences';
import type { Broker } from '../../../src/shared/bus/broker';
import { SqsBroker } from '../../../src/shared/bus/sqs.broker';
import { type SqsServer, sqsEnvironment, startElasticMq } from '../../support/elasticmq';

// SQS as the tests have it: what `kinds.ts` needs of a server, on ElasticMQ.

const account = '000000000000';
const region = 'elasticmq';

/** All who have subscribed, in any process of the test. */
class Subscribers extends Audiences {
  private readonly heard = new Map<string, Set<string>>();

  constructor() {
    super(new Map());
  }

  add(topic: string, consumer: string): void {
    this.heard.set(topic, (this.heard.get(topic) ?? new Set()).add(consumer));
  }

  override consumersOf(topic: string): readonly string[] {
    return [...(this.heard.get(topic) ?? [])];
  }
}

/** A server and what can be done to it behind the brokers' back. */
export interface SqsPlace extends AsyncDisposable {
  readonly server: SqsServer;
  /** As BUS_CONN names it. */
  readonly url: string;
  readonly client: SQS;
  broker(): Promise<Broker>;
  forge(topic: string, text: string): Promise<void>;
  kept(topic: string): Promise<number>;
  wipe(): Promise<void>;
}

/** Starts it. Queues are called after `prefix`, of which each place has its own. `hiddenSeconds`: as the broker's. */
export async function startSqs(fifo: boolean, prefix: string, hiddenSeconds = 1): Promise<SqsPlace> {
  Object.assign(process.env, sqsEnvironment);
  const server = await startElasticMq();
  const url = `${server.url}/${account}/${prefix}?region=${region}&fifo=${fifo}`;
  const client = new SQS({ endpoint: server.url, region });
  const audiences = new Subscribers();
  const all = async (): Promise<string[]> => (await client.listQueues({ QueueNamePrefix: prefix })).QueueUrls ?? [];
  const of = async (topic: string): Promise<string[]> =>
    (await all()).filter((queue) => queue.includes(`${prefix}-${topic}-`) && !/-dead(\.fifo)?$/.test(queue));
  return {
    server,
    url,
    client,
    broker: () => openBroker(url, audiences, hiddenSeconds),
    forge: async (topic, text) => {
      // SQS takes no empty one.
      const MessageBody = text || ' ';
      const ordered = fifo ? { MessageGroupId: 'forged', MessageDeduplicationId: `${Math.random()}` } : {};
      for (const QueueUrl of await of(topic)) await client.sendMessage({ QueueUrl, MessageBody, ...ordered });
    },
    kept: async (topic) => {
      const counts = (await of(topic)).map((queue) => keptIn(client, queue));
      return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
    },
    wipe: async () => {
      for (const QueueUrl of await all()) await client.deleteQueue({ QueueUrl });
    },
    [Symbol.asyncDispose]: async () => {
      client.destroy();
      await server[Symbol.asyncDispose]();
    },
  };
}

async function openBroker(url: string, audiences: Subscribers, hiddenSeconds: number): Promise<Broker> {
  const broker = await SqsBroker.open(url, audiences, { hiddenSeconds });
  const receiver = broker.receiver.bind(broker);
  broker.receiver = (topic, consumer) => {
    audiences.add(topic, consumer);
    return receiver(topic, consumer);
  };
  return broker;
}

async function keptIn(client: SQS, QueueUrl: string): Promise<number> {
  const AttributeNames = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const;
  const { Attributes } = await client.getQueueAttributes({ QueueUrl, AttributeNames: [...AttributeNames] });
  return AttributeNames.reduce((sum, name) => sum + Number(Attributes?.[name] ?? 0), 0);
}
