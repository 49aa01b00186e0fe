import { setTimeout as sleep } from 'node:timers/promises';
import { Load } from '../../../src/shared/async/load';
import type { Bus, BusMessage, Topic } from '../../../src/shared/bus/bus';
import type { BusMetrics } from '../../../src/shared/bus/bus.metrics';
import { InmemBus } from '../../../src/shared/bus/inmem.bus';
import { eventually } from '../../support/eventually';
import { recordingLogger } from '../../support/recording-logger';

// What every bus promises; one suite, run on each kind.

const topic: Topic<number> = { name: 'numbers' };
const bound = 5000;

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const messages = (from: number, to: number): BusMessage<number>[] =>
  numbers(from, to).map((body) => ({ key: `key-${body % 3}`, body }));
const bodies = (group: readonly BusMessage<number>[]): number[] => group.map(({ body }) => body);

interface Opened {
  readonly bus: Bus;
  readonly logged: readonly string[];
  readonly counted: Record<string, number>;
}

function inmem(): Opened {
  const { logger, told: logged } = recordingLogger();
  const counted: Record<string, number> = {};
  const count: BusMetrics['count'] = (_bus, outcome, many) => {
    counted[outcome] = (counted[outcome] ?? 0) + many;
  };
  return {
    bus: new InmemBus({ count } as unknown as BusMetrics, logger, new Load()),
    logged,
    counted,
  };
}

/** A promise and what settles it. */
function gate(): { readonly open: () => void; readonly opened: Promise<void> } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

describe.each([['inmem', inmem]])('%s', (_name, open) => {
  test('brings everything, in order, in groups no larger than asked, one after another', async () => {
    const { bus, counted } = open();
    const groups: number[][] = [];
    let running = 0;
    bus.subscribe(topic, { consumer: 'a', maxGroup: 40 }, async (group) => {
      running += 1;
      expect(running).toBe(1);
      groups.push(bodies(group));
      await sleep(1);
      running -= 1;
    });
    for (let i = 0; i < 1000; i += 50) expect(await bus.publish(topic, 'a', messages(i, i + 50))).toBe(50);
    await eventually(async () => expect(groups.flat()).toHaveLength(1000));
    expect(groups.flat()).toEqual(numbers(0, 1000));
    expect(Math.max(...groups.map(({ length }) => length))).toBe(40);
    expect(groups.length).toBeLessThan(60);
    await eventually(async () => expect(counted).toEqual({ published: 1000, handled: 1000, refused: 0 }));
    await bus.close();
  });

  test('takes no more than its bound and says how many, from the front; later there is room again', async () => {
    const { bus } = open();
    const { open: letGo, opened } = gate();
    const seen: number[] = [];
    const { open: tell, opened: begun } = gate();
    bus.subscribe(topic, { consumer: 'a', maxGroup: 100 }, async (group) => {
      tell();
      await opened;
      seen.push(...bodies(group));
    });
    const taken = await bus.publish(topic, 'a', messages(0, bound + 2000));
    expect(taken).toBe(bound);
    await begun;
    // The group that is being handled has left the queue.
    const more = await bus.publish(topic, 'a', messages(bound, bound + 2000));
    expect(more).toBeLessThanOrEqual(100);
    expect(await bus.publish(topic, 'a', messages(0, 1))).toBe(0);
    letGo();
    await eventually(async () => expect(seen).toHaveLength(taken + more));
    expect(seen).toEqual(numbers(0, taken + more));
    expect(await bus.publish(topic, 'a', messages(0, 10))).toBe(10);
    await bus.close();
  });

  test('a group that fails is counted and logged, and the next one comes', async () => {
    const { bus, logged, counted } = open();
    const seen: number[] = [];
    bus.subscribe(topic, { consumer: 'a', maxGroup: 10 }, async (group) => {
      if (group[0]?.body === 10) throw new Error('This group is bad');
      seen.push(...bodies(group));
    });
    await bus.publish(topic, 'a', messages(0, 30));
    await eventually(async () => expect(seen).toEqual([...numbers(0, 10), ...numbers(20, 30)]));
    expect(logged).toEqual(['bus_group_failed']);
    await eventually(async () => expect(counted).toMatchObject({ handled: 20, failed: 10 }));
    await bus.close();
  });

  test('one consumer does not wait for another, and each gets only its own', async () => {
    const { bus } = open();
    const { open: letGo, opened } = gate();
    const quick: number[] = [];
    const slow: number[] = [];
    bus.subscribe(topic, { consumer: 'slow', maxGroup: 10 }, async (group) => {
      await opened;
      slow.push(...bodies(group));
    });
    bus.subscribe(topic, { consumer: 'quick', maxGroup: 10 }, async (group) => {
      quick.push(...bodies(group));
    });
    await bus.publish(topic, 'slow', messages(0, 5));
    await bus.publish(topic, 'quick', messages(5, 10));
    await eventually(async () => expect(quick).toEqual(numbers(5, 10)));
    expect(slow).toEqual([]);
    letGo();
    await bus.close();
    expect(slow).toEqual(numbers(0, 5));
  });

  test('nobody there: nothing is taken, and it says so beforehand', async () => {
    const { bus } = open();
    expect(bus.reaches(topic, 'a')).toBe(false);
    expect(await bus.publish(topic, 'a', messages(0, 10))).toBe(0);
    bus.subscribe(topic, { consumer: 'a', maxGroup: 1 }, async () => undefined);
    expect([bus.reaches(topic, 'a'), bus.reaches({ name: 'other' }, 'a')]).toEqual([true, false]);
    expect(() => bus.subscribe(topic, { consumer: 'a', maxGroup: 1 }, async () => undefined)).toThrow(/already/);
    await bus.close();
  });

  test('closing tells the handler, waits for it, and drops the rest', async () => {
    const { bus } = open();
    const seen: number[] = [];
    const { open: begin, opened: begun } = gate();
    const { open: tell, opened: told } = gate();
    bus.subscribe(topic, { consumer: 'a', maxGroup: 2 }, async (group, closing) => {
      closing.addEventListener('abort', tell);
      begin();
      await told;
      await sleep(50);
      seen.push(...bodies(group));
    });
    await bus.publish(topic, 'a', messages(0, 10));
    await begun;
    await bus.close();
    expect(seen).toEqual([0, 1]);
    expect(await bus.publish(topic, 'a', messages(0, 1))).toBe(0);
    await sleep(80);
    expect(seen).toEqual([0, 1]);
  });
});
