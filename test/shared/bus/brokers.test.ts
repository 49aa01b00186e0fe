import { setTimeout as sleep } from 'node:timers/promises';
import type { BrokeredBus } from '../../../src/shared/bus/brokered.bus';
import type { Topic } from '../../../src/shared/bus/bus';
import { eventually } from '../../support/eventually';
import {
  type Brokerage,
  bodies,
  brokers,
  gate,
  idleMs,
  messages,
  neverMs,
  newTopic,
  numbers,
  type OpenedBus,
  sorted,
} from './kinds';

// What every bus promises that leaves the process: processes share a consumer's messages, die, and lose their server.

const of = (maxGroup = 100) => ({ consumer: 'a', maxGroup, gatherMs: 0 });

let brokerage: Brokerage;
let opened: OpenedBus[];
let topic: Topic<number>;

async function open(): Promise<OpenedBus> {
  const one = await brokerage.open();
  opened.push(one);
  return one;
}

function opensEach(start: (idle: number) => Promise<Brokerage>, idle: number): void {
  beforeAll(async () => {
    brokerage = await start(idle);
  });
  afterAll(() => brokerage[Symbol.asyncDispose]());
  beforeEach(() => {
    opened = [];
    topic = newTopic();
  });
  afterEach(async () => {
    for (const { bus, die } of opened) {
      await bus.close();
      await die();
    }
  });
}

describe.each(brokers)('%s, while nobody dies', (_name, start) => {
  opensEach(start, neverMs);

  test('processes share the messages of a consumer: each goes to one of them', async () => {
    const seen: number[][] = [[], []];
    const { open: letGo, opened: both } = gate();
    for (const own of seen) {
      const { bus } = await open();
      bus.subscribe(topic, of(), async (group) => {
        own.push(...bodies(group));
        if (Math.min(...seen.map(({ length }) => length)) > 50) letGo();
        // Who has had its share is at work until the other has, too, however much slower that is.
        if (own.length > 50) await both;
      });
    }
    const { bus } = await open();
    let sent = 0;
    const send = async (pauseMs: number, keys = 50): Promise<void> => {
      bus.publish(topic, messages(sent, sent + 20, keys));
      sent += 20;
      await sleep(pauseMs);
    };
    await eventually(async () => {
      // New keys: where a process has those that there were for itself, it keeps them for as long as it is at work.
      await send(50, 1_000_000);
      expect(Math.min(...seen.map(({ length }) => length))).toBeGreaterThan(50);
    });
    for (let i = 0; i < 30; i += 1) await send(2);
    await eventually(async () => expect(seen.flat()).toHaveLength(sent));
    expect(sorted(seen.flat())).toEqual(numbers(0, sent));
    expect(Math.min(...seen.map(({ length }) => length))).toBeGreaterThan(50);
  });
});

describe.each(brokers)('%s', (_name, start) => {
  opensEach(start, idleMs);

  test('what a process had in hand when it died comes to another, and what it is still working on does not', async () => {
    const [dying, living, publisher] = [await open(), await open(), await open()];
    const [held, seen]: [number[], number[]] = [[], []];
    const { open: letGo, opened: goes } = gate();
    dying.bus.subscribe(topic, of(), (group) => {
      held.push(...bodies(group));
      return goes;
    });
    publisher.bus.publish(topic, messages(0, 10, 1));
    await eventually(async () => expect(sorted(held)).toEqual(numbers(0, 10)));
    living.bus.subscribe(topic, of(), async (group) => {
      seen.push(...bodies(group));
    });
    await sleep(3 * idleMs);
    expect(seen).toEqual([]);
    await dying.die();
    await eventually(async () => expect(sorted(seen)).toEqual(numbers(0, 10)));
    letGo();
  });

  test('what fails each time is delivered five times, while others flow; then it is given up', async () => {
    const { bus, counted, logged } = await open();
    const [tried, seen]: [number[], number[]] = [[], []];
    bus.subscribe(topic, of(1), async ([message]) => {
      if (message?.body !== 3) return void seen.push(message?.body ?? -1);
      tried.push(message.body);
      throw new Error('poison');
    });
    for (let i = 0; i < 6; i += 1) {
      bus.publish(topic, messages(i, i + 1));
      // Each in a parcel of its own.
      await eventually(async () => expect(counted.published).toBe(i + 1));
    }
    await eventually(async () => expect(counted.abandoned).toBe(1));
    expect(tried).toHaveLength(5);
    expect(new Set(seen)).toEqual(new Set([0, 1, 2, 4, 5]));
    expect(logged.at(-1)).toBe('bus_messages_abandoned');
    await sleep(2 * idleMs);
    expect(tried).toHaveLength(5);
  });

  test('what is none of ours is passed over, and does not come again', async () => {
    const { bus, counted } = await open();
    const seen: number[] = [];
    bus.subscribe(topic, of(), async (group) => {
      seen.push(...bodies(group));
    });
    bus.publish(topic, messages(0, 1));
    await eventually(async () => expect(seen).toEqual([0]));
    for (const text of [
      '',
      'nonsense',
      '{}',
      '[]',
      '[1]',
      '[["k"]]',
      '[["k","text"],["k",7]]',
      '[["k",{"__proto__":1}]]',
    ])
      await brokerage.forge(topic.name, text);
    bus.publish(topic, messages(8, 9));
    await eventually(async () => expect(sorted(seen)).toEqual([0, 7, 8]));
    await sleep(2 * idleMs);
    expect(sorted(seen)).toEqual([0, 7, 8]);
    expect(counted).toMatchObject({ malformed: 8, handled: 3 });
  });

  test('what everybody has handled is not kept; what one has not read yet is, for a while', async () => {
    const { bus } = await open();
    const seen: number[] = [];
    bus.subscribe(topic, of(), async (group) => {
      seen.push(...bodies(group));
    });
    for (let i = 0; i < 5; i += 1) {
      bus.publish(topic, messages(i, i + 1));
      await sleep(400);
    }
    await eventually(async () => expect(seen).toHaveLength(5));
    await eventually(async () => {
      bus.publish(topic, messages(9, 10));
      await sleep(200);
      expect(await brokerage.kept(topic.name)).toBeLessThanOrEqual(3);
    });
  });

  test('all is lost, the server is gone, and it comes back: the next messages flow, and the check says so', async () => {
    const { bus, counted } = await open();
    const check = () => (bus as BrokeredBus).check();
    const seen: number[] = [];
    bus.subscribe(topic, of(), async (group) => {
      seen.push(...bodies(group));
    });
    bus.publish(topic, messages(0, 3));
    await eventually(async () => expect(sorted(seen)).toEqual(numbers(0, 3)));
    await brokerage.wipe();
    bus.publish(topic, messages(3, 6));
    // What was being settled when all was lost may come once more.
    await eventually(async () => expect([...new Set(sorted(seen))]).toEqual(numbers(0, 6)));
    await brokerage.server.kill();
    await eventually(async () => expect(await check()).toMatchObject({ status: 'degraded' }));
    bus.publish(topic, messages(6, 9));
    await eventually(async () => expect(counted.refused).toBe(3));
    await brokerage.server.restart();
    await eventually(async () => expect(await check()).toEqual({ status: 'healthy' }));
    await eventually(async () => {
      bus.publish(topic, messages(9, 10));
      await sleep(100);
      expect(seen).toContain(9);
    });
  });

  test('whoever only sends finds out that the server is back, also with nothing to send', async () => {
    const { bus, counted } = await open();
    const check = () => (bus as BrokeredBus).check();
    (await open()).bus.subscribe(topic, of(), async () => undefined);
    await brokerage.server.kill();
    bus.publish(topic, messages(0, 3));
    await eventually(async () => expect(counted.refused).toBe(3));
    expect(await check()).toMatchObject({ status: 'degraded' });
    await brokerage.server.restart();
    await eventually(async () => expect(await check()).toEqual({ status: 'healthy' }));
  });

  test('closing does not wait for a server that hangs', async () => {
    const { bus } = await open();
    bus.subscribe(topic, of(), async () => undefined);
    brokerage.server.freeze();
    try {
      bus.publish(topic, messages(0, 10));
      await eventually(async () => expect(await (bus as BrokeredBus).check()).toMatchObject({ status: 'degraded' }));
      for (let i = 0; i < 3000; i += 1000) bus.publish(topic, messages(i, i + 1000));
      let closed = false;
      const closing = bus.close().then(() => {
        closed = true;
      });
      // Each group that waits to be sent would take seconds.
      await eventually(async () => expect(closed).toBe(true), 10_000);
      await closing;
    } finally {
      brokerage.server.resume();
    }
  });
});
