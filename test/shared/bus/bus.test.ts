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
    bus.subscribe(topic, { consumer: 'a', maxGroup: 40, gatherMs: 0 }, async (group) => {
      running += 1;
      expect(running).toBe(1);
      groups.push(bodies(group));
      await sleep(1);
      running -= 1;
    });
    for (let i = 0; i < 1000; i += 50) await bus.publish(topic, messages(i, i + 50));
    await eventually(async () => expect(groups.flat()).toHaveLength(1000));
    expect(groups.flat()).toEqual(numbers(0, 1000));
    expect(Math.max(...groups.map(({ length }) => length))).toBe(40);
    expect(groups.length).toBeLessThan(60);
    await eventually(async () => expect(counted).toEqual({ published: 1000, handled: 1000, refused: 0 }));
    await bus.close();
  });

  test('takes no more than its bound and drops the rest, from the front; later there is room again', async () => {
    const { bus, counted } = open();
    const { open: letGo, opened } = gate();
    const seen: number[] = [];
    const { open: tell, opened: begun } = gate();
    bus.subscribe(topic, { consumer: 'a', maxGroup: 100, gatherMs: 0 }, async (group) => {
      tell();
      await opened;
      seen.push(...bodies(group));
    });
    await bus.publish(topic, messages(0, bound + 2000));
    await begun;
    expect(counted).toMatchObject({ published: bound, refused: 2000 });
    // The group that is being handled has left the queue.
    await bus.publish(topic, messages(bound, bound + 2000));
    expect(counted).toMatchObject({ published: bound + 100, refused: 3900 });
    letGo();
    await eventually(async () => expect(seen).toHaveLength(bound + 100));
    expect(seen).toEqual(numbers(0, bound + 100));
    await bus.publish(topic, messages(0, 10));
    await eventually(async () => expect(seen).toHaveLength(bound + 110));
    await bus.close();
  });

  test('a group that fails is counted and logged, and the next one comes', async () => {
    const { bus, logged, counted } = open();
    const seen: number[] = [];
    bus.subscribe(topic, { consumer: 'a', maxGroup: 10, gatherMs: 0 }, async (group) => {
      if (group[0]?.body === 10) throw new Error('This group is bad');
      seen.push(...bodies(group));
    });
    await bus.publish(topic, messages(0, 30));
    await eventually(async () => expect(seen).toEqual([...numbers(0, 10), ...numbers(20, 30)]));
    expect(logged).toEqual(['bus_group_failed']);
    await eventually(async () => expect(counted).toMatchObject({ handled: 20, failed: 10 }));
    await bus.close();
  });

  test('every consumer of a topic gets its messages, and none waits for another', async () => {
    const { bus } = open();
    const { open: letGo, opened } = gate();
    const quick: number[] = [];
    const slow: number[] = [];
    const other: number[] = [];
    bus.subscribe(topic, { consumer: 'slow', maxGroup: 10, gatherMs: 0 }, async (group) => {
      await opened;
      slow.push(...bodies(group));
    });
    bus.subscribe(topic, { consumer: 'quick', maxGroup: 10, gatherMs: 0 }, async (group) => {
      quick.push(...bodies(group));
    });
    bus.subscribe({ name: 'other' }, { consumer: 'slow', maxGroup: 10, gatherMs: 0 }, async () => {
      other.push(1);
    });
    await bus.publish(topic, messages(0, 5));
    await eventually(async () => expect(quick).toEqual(numbers(0, 5)));
    expect([slow, other]).toEqual([[], []]);
    letGo();
    await bus.close();
    expect(slow).toEqual(numbers(0, 5));
  });

  test('nobody there: nothing happens; a name is taken once', async () => {
    const { bus, counted } = open();
    await bus.publish(topic, messages(0, 10));
    bus.subscribe(topic, { consumer: 'a', maxGroup: 1, gatherMs: 0 }, async () => undefined);
    expect(() => bus.subscribe(topic, { consumer: 'a', maxGroup: 1, gatherMs: 0 }, async () => undefined)).toThrow(
      /already/,
    );
    expect(counted).toEqual({});
    await bus.close();
  });

  test('what comes in a short time is gathered; who comes alone does not wait', async () => {
    const { bus } = open();
    const groups: number[][] = [];
    bus.subscribe(topic, { consumer: 'a', maxGroup: 10, gatherMs: 100 }, async (group) => {
      groups.push(bodies(group));
    });
    for (let i = 0; i < 6; i += 1) {
      await bus.publish(topic, messages(i, i + 1));
      await sleep(i === 0 ? 20 : 1);
    }
    await eventually(async () => expect(groups.flat()).toHaveLength(6));
    expect(groups).toEqual([[0], numbers(1, 6)]);
    // A full group does not wait.
    await bus.publish(topic, messages(6, 26));
    await eventually(async () => expect(groups.flat()).toHaveLength(26));
    expect(groups.slice(2)).toEqual([numbers(6, 16), numbers(16, 26)]);
    await bus.close();
  });

  test('closing waits for the handler and drops the rest', async () => {
    const { bus } = open();
    const seen: number[] = [];
    const { open: begin, opened: begun } = gate();
    bus.subscribe(topic, { consumer: 'a', maxGroup: 2, gatherMs: 0 }, async (group) => {
      begin();
      await sleep(50);
      seen.push(...bodies(group));
    });
    await bus.publish(topic, messages(0, 10));
    await begun;
    await bus.close();
    expect(seen).toEqual([0, 1]);
    await bus.publish(topic, messages(0, 1));
    await sleep(80);
    expect(seen).toEqual([0, 1]);
  });
});
