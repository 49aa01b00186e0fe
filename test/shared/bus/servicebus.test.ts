import { createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { within } from '../../../src/shared/async/within';
import type { Receiver } from '../../../src/shared/bus/broker';
import type { BrokeredBus } from '../../../src/shared/bus/brokered.bus';
import type { Topic } from '../../../src/shared/bus/bus';
import type { Parcel } from '../../../src/shared/bus/parcel';
import { ServiceBusBroker } from '../../../src/shared/bus/servicebus.broker';
import { eventually } from '../../support/eventually';
import { connectionTo, type ServiceBus, startServiceBus } from '../../support/servicebus';
import { bodies, brokered, gate, newTopic, numbers, type OpenedBus, sorted } from './kinds';

// What is Service Bus's own: sessions, dead letters, topics that somebody else has to make.

const of = { consumer: 'a', maxGroup: 100, gatherMs: 0 };

// Locks that expire within no test: what comes to others was given back.
let server: ServiceBus;
let opened: OpenedBus[];
let topic: Topic<number>;
beforeAll(async () => {
  server = await startServiceBus({ lockMs: 60_000, maxDeliveries: 10 });
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(() => {
  opened = [];
  topic = newTopic();
});
afterEach(async () => {
  for (const { bus } of opened) await bus.close();
  expect(server.errors).toEqual([]);
});

async function open(url = server.url): Promise<OpenedBus> {
  const one = brokered(await ServiceBusBroker.open(url, { againMs: 50 }), async () => undefined);
  opened.push(one);
  return one;
}

test('a topic or subscription that nobody has made: it is said what to make, and once it is there all flows', async () => {
  const { bus, logged, counted } = await open();
  const check = () => (bus as BrokeredBus).check();
  const seen: number[] = [];
  server.topics.missing.add(topic.name);
  const broker = await ServiceBusBroker.open(server.url);
  const receiver = await broker.receiver(topic.name, 'a');
  const missing = `no subscription a of a topic ${topic.name}: make it`;
  await eventually(() => expect(receiver.receive()).rejects.toThrow(missing));
  await expect(broker.send(topic.name, [{ key: 'k', body: 1 }])).rejects.toThrow(`no topic ${topic.name}: make it`);
  await receiver.close();
  await broker.close();
  bus.subscribe(topic, of, async (group) => void seen.push(...bodies(group)));
  bus.publish(topic, [{ key: 'k', body: 1 }]);
  await eventually(async () => expect(await check()).toMatchObject({ status: 'degraded' }));
  await eventually(async () => expect(counted.refused).toBe(1));
  expect(logged).toEqual(['bus_unreachable']);
  server.topics.missing.clear();
  await eventually(async () => expect(await check()).toEqual({ status: 'healthy' }));
  bus.publish(topic, [{ key: 'k', body: 2 }]);
  await eventually(async () => expect(seen).toEqual([2]));
});

test('a message that is too large is refused, and stops no other', async () => {
  const { bus, counted } = await open();
  const seen: number[] = [];
  bus.subscribe(topic, of, async (group) => void seen.push(...bodies(group)));
  const large = { key: 'k', body: 'x'.repeat(300_000) as unknown as number };
  bus.publish(topic, [{ key: 'k', body: 1 }, large, { key: 'k', body: 2 }, { key: 'l', body: 3 }]);
  await eventually(async () => expect(sorted(seen)).toEqual([1, 2, 3]));
  expect(counted).toMatchObject({ published: 3, refused: 1 });
});

test('more than one batch holds arrives, in order; keys may be long, or of any characters', async () => {
  const { bus } = await open();
  const seen = new Map<string, number[]>();
  const keys = ['', 'ü/ "\n', 'k'.repeat(256), `${'k'.repeat(255)}l`];
  bus.subscribe(topic, of, async (group) => {
    for (const { key, body } of group) seen.set(key, [...(seen.get(key) ?? []), (body as unknown as number[])[0] ?? 0]);
  });
  const padding = Array.from({ length: 2000 }, () => 12345);
  const body = (i: number) => [i, ...padding] as unknown as number;
  Object.assign(topic, { schema: { safeParse: (data: unknown) => ({ success: true, data }) } });
  bus.publish(
    topic,
    numbers(0, 400).map((i) => ({ key: keys[i % 4] ?? '', body: body(i) })),
  );
  await eventually(async () => expect([...seen.values()].flat()).toHaveLength(400));
  for (const [i, key] of keys.entries()) expect(seen.get(key)).toEqual(numbers(0, 100).map((n) => n * 4 + i));
});

test('what nobody can handle is put aside, with why', async () => {
  const { bus, counted } = await open();
  bus.subscribe(topic, of, async () => {
    throw new Error('poison');
  });
  server.send(topic.name, 'k', 'nonsense');
  bus.publish(topic, [{ key: 'l', body: 1 }]);
  await eventually(async () => expect(counted.abandoned).toBe(1));
  await eventually(async () => expect(server.topics.deadLetters(topic.name)).toHaveLength(2));
  expect(server.topics.deadLetters(topic.name).map(({ reason }) => reason)).toEqual(['malformed', 'abandoned']);
  expect(server.topics.kept(topic.name)).toBe(0);
});

test('more players than sessions at once: each has its turn, and all are given back', async () => {
  const { bus } = await open();
  const seen: number[] = [];
  bus.subscribe(topic, of, async (group) => void seen.push(...bodies(group)));
  for (const round of numbers(0, 3))
    bus.publish(
      topic,
      numbers(0, 150).map((i) => ({ key: `player-${i}`, body: round * 150 + i })),
    );
  await eventually(async () => expect(sorted(seen)).toEqual(numbers(0, 450)));
  await eventually(async () => expect(server.topics.locked(topic.name)).toBe(0));
});

test('closing gives the sessions back: what was in hand comes to others at once, and counts as not delivered', async () => {
  const broker = await ServiceBusBroker.open(server.url);
  const [one, other] = [await broker.receiver(topic.name, 'a'), await broker.receiver(topic.name, 'a')];
  for (const body of numbers(0, 3)) await broker.send(topic.name, [{ key: 'k', body }]);
  const next = async (from: Receiver): Promise<readonly Parcel[]> => {
    const parcels = await from.receive();
    return parcels.length > 0 ? parcels : next(from);
  };
  const bodiesOf = (parcels: readonly Parcel[]) => parcels.map(({ messages }) => messages?.[0]?.body);
  const [first] = await next(one);
  await one.settle(first ? [first] : []);
  await one.close();
  const got = [...(await next(other))];
  while (got.length < 2) got.push(...(await next(other)));
  expect(bodiesOf(got)).toEqual([1, 2]);
  expect(got.map(({ deliveries }) => deliveries)).toEqual([1, 1]);
  // While what fails counts.
  await other.release(got);
  const [again] = await next(other);
  expect(again).toMatchObject({ deliveries: 2, messages: [{ key: 'k', body: 1 }] });
  await other.close();
  await broker.close();
});

test('the lock is kept for as long as a handler takes', async () => {
  await using own = await startServiceBus({ lockMs: 400, maxDeliveries: 10 });
  const broker = await ServiceBusBroker.open(own.url, { extendEveryMs: 100 });
  const { bus } = brokered(broker, async () => undefined);
  const seen: number[] = [];
  bus.subscribe(topic, of, async (group) => {
    seen.push(...bodies(group));
    await sleep(1500);
  });
  bus.publish(topic, [{ key: 'k', body: 1 }]);
  await eventually(async () => expect(seen).toEqual([1]));
  await eventually(async () => expect(own.topics.kept(topic.name)).toBe(0));
  await bus.close();
  expect(seen).toEqual([1]);
});

test('the connection is lost just as a message is settled: all that is in hand comes again', async () => {
  await using own = await startServiceBus({ lockMs: 1000, maxDeliveries: 10 });
  const { bus } = brokered(await ServiceBusBroker.open(own.url), async () => undefined);
  const { open: letGo, opened: goes } = gate();
  const seen: number[] = [];
  bus.subscribe(topic, { ...of, maxGroup: 1 }, async (group) => {
    seen.push(...bodies(group));
    await goes;
  });
  bus.publish(
    topic,
    numbers(0, 3).map((body) => ({ key: `k-${body}`, body })),
  );
  await eventually(async () => expect(own.topics.locked(topic.name)).toBe(3));
  const [first] = seen;
  letGo();
  await own.restart();
  await eventually(async () => expect(seen.filter((body) => body === first)).toHaveLength(2));
  await eventually(async () => expect(own.topics.kept(topic.name)).toBe(0));
  expect(new Set(seen)).toEqual(new Set([0, 1, 2]));
  await bus.close();
});

test('a service that is silent does not keep the process', async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => void sockets.push(socket.on('error', () => socket.destroy()).resume()));
  await new Promise<void>((listening) => silent.listen(0, '127.0.0.1', listening));
  const { bus, counted } = await open(connectionTo((silent.address() as { port: number }).port));
  bus.subscribe(topic, of, async () => undefined);
  bus.publish(topic, [{ key: 'k', body: 1 }]);
  await sleep(500);
  // The client's own limits are a minute.
  await within(bus.close(), 20_000);
  expect(counted.handled).toBeUndefined();
  for (const socket of sockets) socket.destroy();
  silent.close();
});
