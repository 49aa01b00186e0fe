import type { SQS } from '@aws-sdk/client-sqs';
import { Audiences } from '../../src/shared/bus/audiences';
import type { Broker, Receiver } from '../../src/shared/bus/broker';
import type { BusMessage } from '../../src/shared/bus/bus';
import { SqsBroker } from '../../src/shared/bus/sqs.broker';
import { lookAtSqs } from '../../src/shared/doctor/doctor.sqs';
import { type SqsPlace, startSqs } from '../shared/bus/sqs.kind';
import { eventually } from '../support/eventually';

// What only SQS has: queues with names and attributes, limits in bytes, dead letters. The suites of every bus run on it, too.

const audiences = new Audiences(new Map([['news', ['reader']]]));

describe.each([
  ['standard', false],
  ['fifo', true],
])('%s', (_name, fifo) => {
  let place: SqsPlace;
  let broker: Broker;
  let receiver: Receiver;
  const ending = fifo ? '.fifo' : '';
  const open = (url: string) => SqsBroker.open(url, audiences, { hiddenSeconds: 1 });
  beforeAll(async () => {
    place = await startSqs(fifo, 'only');
  });
  afterAll(() => place[Symbol.asyncDispose]());
  beforeEach(async () => {
    await place.wipe();
    broker = await open(place.url);
    receiver = await broker.receiver('news', 'reader');
  });
  afterEach(() => broker.close());

  /** Receives and settles until so many have come. */
  async function take(count: number): Promise<BusMessage<unknown>[]> {
    const taken: BusMessage<unknown>[] = [];
    await eventually(async () => {
      const parcels = await receiver.receive();
      taken.push(...parcels.flatMap(({ messages }) => messages ?? []));
      await receiver.settle(parcels);
      expect(taken.length).toBeGreaterThanOrEqual(count);
    });
    return taken;
  }

  test('a queue and its dead-letter queue are made, and not with every message', async () => {
    await broker.send('news', [{ key: 'k', body: 1 }]);
    const create = jest.spyOn((broker as unknown as { client: SQS }).client, 'createQueue');
    await broker.send('news', [{ key: 'k', body: 2 }]);
    expect(create).not.toHaveBeenCalled();
    const { QueueUrls = [] } = await place.client.listQueues({ QueueNamePrefix: 'only' });
    const names = QueueUrls.map((url) => url.split('/').at(-1)).sort();
    expect(names).toEqual([`only-news-reader-dead${ending}`, `only-news-reader${ending}`].sort());
    const QueueUrl = QueueUrls.find((url) => !url.includes('-dead'));
    const { Attributes } = await place.client.getQueueAttributes({ QueueUrl, AttributeNames: ['All'] });
    const redrive = JSON.parse(Attributes?.RedrivePolicy ?? '{}');
    expect(redrive.deadLetterTargetArn).toMatch(new RegExp(`:only-news-reader-dead${ending}$`));
    expect(Number(redrive.maxReceiveCount)).toBe(5);
    expect(Attributes).toMatchObject({ VisibilityTimeout: '30', ReceiveMessageWaitTimeSeconds: '1' });
    if (fifo) expect(Attributes).toMatchObject({ FifoQueue: 'true', ContentBasedDeduplication: 'false' });
  });

  test('the doctor says what is missing there, and makes nothing', async () => {
    const look = async () =>
      (await lookAtSqs(place.url, [{ topic: 'news', consumer: 'reader' }])).map(({ verdict, told }) => [verdict, told]);
    const missing = ['warning', `queues are missing: only-news-reader${ending}`];
    expect(await look()).toEqual([['ok', '0 of 1 queues are there'], missing]);
    expect((await place.client.listQueues({})).QueueUrls ?? []).toEqual([]);
    await broker.send('news', [{ key: 'k', body: 1 }]);
    expect(await look()).toEqual([['ok', '1 of 1 queues are there']]);
    expect(await place.kept('news')).toBe(1);
  });

  test('equal news is not the same news', async () => {
    for (let i = 0; i < 3; i += 1) await broker.send('news', [{ key: 'k', body: 'again' }]);
    expect(await take(3)).toHaveLength(3);
  });

  test('many keys, many calls: the messages of one key come in their order where it is kept', async () => {
    const sent = Array.from({ length: 900 }, (_, i) => ({ key: `player-${i % 60}`, body: i }));
    for (let from = 0; from < sent.length; from += 300) await broker.send('news', sent.slice(from, from + 300));
    const taken = await take(sent.length);
    const seen = new Map<string, number[]>();
    for (const { key, body } of taken) seen.set(key, [...(seen.get(key) ?? []), body as number]);
    expect(seen.size).toBe(60);
    for (const bodies of seen.values()) {
      expect(new Set(bodies).size).toBe(15);
      if (fifo) expect(bodies).toEqual([...bodies].sort((a, b) => a - b));
    }
  });

  test('texts of every script arrive as they were, in calls that are not too long', async () => {
    const body = `${'漢字é😀'.repeat(400)}\ufffe\uffff\u0000`;
    await broker.send(
      'news',
      Array.from({ length: 200 }, (_, i) => ({ key: `ключ ${i % 7}`, body })),
    );
    const taken = await take(200);
    expect(taken.every((message) => message.body === body)).toBe(true);
    expect(new Set(taken.map(({ key }) => key)).size).toBe(7);
  });

  test('what is too long for SQS is told, and keeps nothing else from being sent', async () => {
    const long = { key: 'long', body: 'a'.repeat(1100 * 1024) };
    const messages = [{ key: 'before', body: 1 }, long, { key: 'after', body: 2 }];
    await expect(broker.send('news', messages)).rejects.toThrow(/SQS did not take 1 parcels/);
    expect((await take(2)).map(({ body }) => body).sort()).toEqual([1, 2]);
  });

  test('what nobody settles is delivered five times and is then among the dead letters', async () => {
    await broker.send('news', [{ key: 'k', body: 'deadly' }]);
    const deliveries: number[] = [];
    const dead = `${place.server.url}/000000000000/only-news-reader-dead${ending}`;
    await eventually(async () => {
      for (const parcel of await receiver.receive()) deliveries.push(parcel.deliveries);
      const { Messages = [] } = await place.client.receiveMessage({ QueueUrl: dead });
      expect(Messages.map(({ Body }) => Body)).toEqual(['[["k","deadly"]]']);
    });
    expect(deliveries).toEqual([1, 2, 3, 4, 5]);
  });

  test('the account of somebody else is not filled with queues that nobody reads', async () => {
    const other = await open(place.url.replace('000000000000', '999999999999'));
    await place.wipe();
    await expect(other.send('news', [{ key: 'k', body: 1 }])).rejects.toThrow(/not those of the account/);
    await other.close();
  });

  test('closing ends what waits, at once', async () => {
    await receiver.receive();
    const waiting = receiver.receive();
    await broker.close();
    // Else it would answer after its second that nothing has come.
    await expect(waiting).rejects.toThrow();
    await expect(broker.send('news', [{ key: 'k', body: 1 }])).rejects.toThrow();
  });
});
