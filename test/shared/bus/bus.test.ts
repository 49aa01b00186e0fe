import { setTimeout as sleep } from 'node:timers/promises';
import type { Topic } from '../../../src/shared/bus/bus';
import { eventually } from '../../support/eventually';
import {
  type Brokerage,
  bodies,
  brokers,
  gate,
  inmemBus,
  messages,
  neverMs,
  newTopic,
  numbers,
  type OpenedBus,
  sorted,
} from './kinds';

// What every bus promises; one suite, run on each kind.

// Gathering is not over before this is, so that what a test sends meanwhile is in time however slow the machine is.
let gathering: Promise<void> | undefined;
jest.mock('../../../src/shared/async/pause', () => {
  const { pause } = jest.requireActual<typeof import('../../../src/shared/async/pause')>(
    '../../../src/shared/async/pause',
  );
  const held: typeof pause = async (ms, until) => {
    await pause(ms, until);
    await gathering;
  };
  return { pause: held };
});

const inmem = ['inmem', async () => undefined] as const;

describe.each([inmem, ...brokers])('%s', (name, start) => {
  let brokerage: Brokerage | undefined;
  let opened: OpenedBus;
  let topic: Topic<number>;
  // What was sent as 0, 1, 2, ..., as it may come.
  const arrived = (values: readonly number[]) => (brokerage?.inOrder === false ? sorted(values) : values);
  const oneKey = (from: number, to: number) => messages(from, to, 1);
  beforeAll(async () => {
    brokerage = await start(neverMs);
  });
  afterAll(() => brokerage?.[Symbol.asyncDispose]());
  beforeEach(async () => {
    opened = brokerage ? await brokerage.open() : inmemBus();
    topic = newTopic();
  });
  afterEach(async () => {
    await opened.bus.close();
    await opened.die();
  });

  test('brings everything, in order, in groups no larger than asked, one after another', async () => {
    const { bus, counted } = opened;
    const groups: number[][] = [];
    let running = 0;
    bus.subscribe(topic, { consumer: 'a', maxGroup: 40, gatherMs: 0 }, async (group) => {
      running += 1;
      expect(running).toBe(1);
      groups.push(bodies(group));
      await sleep(1);
      running -= 1;
    });
    for (let i = 0; i < 1000; i += 50) bus.publish(topic, oneKey(i, i + 50));
    await eventually(async () => expect(groups.flat()).toHaveLength(1000));
    expect(arrived(groups.flat())).toEqual(numbers(0, 1000));
    expect(Math.max(...groups.map(({ length }) => length))).toBe(40);
    expect(groups.length).toBeLessThan(60);
    await eventually(async () => expect(counted).toEqual({ published: 1000, handled: 1000 }));
  });

  test('takes no more than its bound and drops the rest, from the front; later there is room again', async () => {
    const { bus, counted } = opened;
    const bound = 5000;
    const seen: number[] = [];
    bus.subscribe(topic, { consumer: 'a', maxGroup: 100, gatherMs: 0 }, async (group) => {
      seen.push(...bodies(group));
    });
    bus.publish(topic, oneKey(0, bound + 2000));
    expect(counted.refused).toBe(2000);
    await eventually(async () => expect(seen).toHaveLength(bound));
    expect(arrived(seen)).toEqual(numbers(0, bound));
    bus.publish(topic, messages(0, 10));
    await eventually(async () => expect(seen).toHaveLength(bound + 10));
    expect(counted.refused).toBe(2000);
  });

  test('a group that fails is counted and logged, and the next one comes', async () => {
    const { bus, logged, counted } = opened;
    const seen: number[] = [];
    bus.subscribe(topic, { consumer: 'a', maxGroup: 10, gatherMs: 0 }, async (group) => {
      if (group[0]?.body === 10) throw new Error('This group is bad');
      seen.push(...bodies(group));
    });
    bus.publish(topic, oneKey(0, 30));
    await eventually(async () => expect(seen).toEqual([...numbers(0, 10), ...numbers(20, 30)]));
    expect(logged).toEqual(['bus_group_failed']);
    await eventually(async () => expect(counted).toMatchObject({ handled: 20, failed: 10 }));
  });

  test('every consumer of a topic gets its messages, and none waits for another', async () => {
    const { bus } = opened;
    const { open: letGo, opened: goes } = gate();
    const quick: number[] = [];
    const slow: number[] = [];
    const other: number[] = [];
    bus.subscribe(topic, { consumer: 'slow', maxGroup: 10, gatherMs: 0 }, async (group) => {
      await goes;
      slow.push(...bodies(group));
    });
    bus.subscribe(topic, { consumer: 'quick', maxGroup: 10, gatherMs: 0 }, async (group) => {
      quick.push(...bodies(group));
    });
    bus.subscribe(newTopic(), { consumer: 'slow', maxGroup: 10, gatherMs: 0 }, async () => {
      other.push(1);
    });
    bus.publish(topic, oneKey(0, 5));
    await eventually(async () => expect(arrived(quick)).toEqual(numbers(0, 5)));
    expect([slow, other]).toEqual([[], []]);
    letGo();
    await eventually(async () => expect(arrived(slow)).toEqual(numbers(0, 5)));
  });

  test('nobody there: nothing happens; a name is taken once', async () => {
    const { bus } = opened;
    bus.publish(newTopic(), messages(0, 10));
    const subscription = { consumer: 'a', maxGroup: 1, gatherMs: 0 };
    bus.subscribe(topic, subscription, async () => undefined);
    expect(() => bus.subscribe(topic, subscription, async () => undefined)).toThrow(/already/);
  });

  test('what comes in a short time is gathered; who comes alone does not wait', async () => {
    const { bus, counted } = opened;
    const groups: number[][] = [];
    const gatherMs = 300;
    const { open: goOn, opened: goes } = gate();
    const clock = jest.spyOn(performance, 'now').mockReturnValue(performance.now());
    bus.subscribe(topic, { consumer: 'a', maxGroup: 10, gatherMs }, async (group) => {
      gathering = goes;
      groups.push(bodies(group));
    });
    bus.publish(topic, oneKey(0, 1));
    await eventually(async () => expect(groups).toEqual([[0]]));
    for (let i = 1; i < 6; i += 1) {
      bus.publish(topic, oneKey(i, i + 1));
      await sleep(1);
    }
    await eventually(async () => expect(counted.published).toBe(6));
    expect(groups).toEqual([[0]]);
    goOn();
    await eventually(async () => expect(groups.flat()).toHaveLength(6));
    expect(groups.map(arrived)).toEqual([[0], numbers(1, 6)]);
    clock.mockRestore();
    bus.publish(topic, oneKey(6, 26));
    await eventually(async () => expect(groups.flat()).toHaveLength(26));
    expect(groups.slice(2).map(arrived)).toEqual([numbers(6, 16), numbers(16, 26)]);
  });

  test('closing waits for the handler and drops the rest', async () => {
    const { bus } = opened;
    const seen: number[] = [];
    const { open: begin, opened: begun } = gate();
    bus.subscribe(topic, { consumer: 'a', maxGroup: 2, gatherMs: 0 }, async (group) => {
      begin();
      await sleep(50);
      seen.push(...bodies(group));
    });
    bus.publish(topic, oneKey(0, 10));
    await begun;
    await bus.close();
    expect(seen).toEqual([0, 1]);
    bus.publish(topic, oneKey(0, 1));
    await sleep(80);
    expect(seen).toEqual([0, 1]);
  });

  test('a full inmem queue takes more as soon as a group has left it', async () => {
    if (name !== 'inmem') return expect(brokerage).toBeDefined();
    const { bus, counted } = opened;
    const { open: letGo, opened: goes } = gate();
    const { open: tell, opened: begun } = gate();
    bus.subscribe(topic, { consumer: 'a', maxGroup: 100, gatherMs: 0 }, async () => {
      tell();
      await goes;
    });
    bus.publish(topic, oneKey(0, 5000));
    await begun;
    bus.publish(topic, oneKey(0, 2000));
    expect(counted).toMatchObject({ published: 5100, refused: 1900 });
    letGo();
  });
});
