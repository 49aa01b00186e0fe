import { getEventListeners } from 'node:events';
import type { BusMessage } from '../../../src/shared/bus/bus';
import { Consumer, type ConsumerOptions } from '../../../src/shared/bus/consumer';
import { CommitUnknownError } from '../../../src/shared/db/db.errors';
import { unavailable } from '../../../src/shared/errors/common.errors';
import { settlesAtOnce } from '../../support/at-once';
import { eventually } from '../../support/eventually';
import { recordingLogger } from '../../support/recording-logger';

// ARCHITECTURE 5.8 on the far side of the bus: each message takes effect once, and one never keeps its neighbours.

const open = new AbortController().signal;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const messages = (bodies: readonly number[]): BusMessage<number>[] => bodies.map((body) => ({ key: 'k', body }));

/** A consumer whose effect is a set with an inbox, as the tables of a feature are. */
function consumer(options: Partial<ConsumerOptions<number>> = {}) {
  const applied = new Set<number>();
  const groups: number[][] = [];
  const confirmed: string[] = [];
  const parked: [string, string][] = [];
  const { logger, told: logged } = recordingLogger();
  const made = new Consumer<number>({
    name: 'test',
    maxGroup: 100,
    idOf: (body) => `id-${body}`,
    apply: async (bodies) => {
      groups.push([...bodies]);
      for (const body of bodies) applied.add(body);
    },
    confirm: async (ids) => confirmed.push(...ids),
    park: async (id, reason) => parked.push([id, reason]),
    logger,
    ...options,
  });
  return { consumer: made, applied, groups, confirmed, parked, logged };
}

/** An apply that is one transaction: it fails as a whole when one of its bodies does. */
function failing(reason: (body: number, groups: readonly number[][]) => Error | undefined) {
  const groups: number[][] = [];
  const applied: number[] = [];
  const apply = async (bodies: readonly number[]): Promise<void> => {
    groups.push([...bodies]);
    for (const body of bodies) {
      const error = reason(body, groups);
      if (error) throw error;
    }
    applied.push(...bodies);
  };
  return { apply, applied, groups };
}

test('a group is one transaction, confirmed afterwards', async () => {
  const order: string[] = [];
  const made = consumer({
    apply: async () => {
      await sleep(10);
      order.push('applied');
    },
    confirm: async (ids) => order.push(`confirmed ${ids.length}`),
  });
  await made.consumer.handle(messages(numbers(50)), open);
  expect(order).toEqual(['applied', 'confirmed 50']);
});

test('poison is parked after exactly 5 tries; its 99 neighbours are applied at the first', async () => {
  const poison = 40;
  const work = failing((body) => (body === poison ? new Error('no such boss\u0007') : undefined));
  const { consumer: made, confirmed, parked, logged } = consumer({ apply: work.apply });
  await made.handle(messages(numbers(100)), open);
  expect([...work.applied].sort((a, b) => a - b)).toEqual(numbers(100).filter((body) => body !== poison));
  expect(work.groups.filter((group) => group.length === 1 && group[0] === poison)).toHaveLength(5);
  // The neighbours went through with the first try: later groups hold the poison alone.
  expect(work.groups.slice(-4)).toEqual([[poison], [poison], [poison], [poison]]);
  expect(confirmed).toHaveLength(99);
  expect(parked).toEqual([['id-40', 'no such boss ']]);
  expect(logged).toEqual(['event_parked']);
});

test('what fails four times is applied at the fifth and not parked', async () => {
  let failures = 0;
  const work = failing((body) => (body === 1 && failures++ < 4 ? new Error('not yet') : undefined));
  const { consumer: made, confirmed, parked } = consumer({ apply: work.apply });
  await made.handle(messages([1]), open);
  expect([work.applied, confirmed, parked]).toEqual([[1], ['id-1'], []]);
});

test('an outage is not counted as a try, however long it lasts', async () => {
  let outages = 0;
  const work = failing(() => (outages++ < 7 ? unavailable(new Error('The database is gone')) : undefined));
  const { consumer: made, confirmed, parked } = consumer({ apply: work.apply });
  await made.handle(messages(numbers(10)), open);
  expect(parked).toEqual([]);
  expect(confirmed).toHaveLength(10);
  expect(work.groups).toHaveLength(8);
  // A long outage must not leave a listener for each pause.
  expect(getEventListeners(open, 'abort')).toEqual([]);
});

test('an outage between its tries gives poison no more and no fewer than 5', async () => {
  let call = 0;
  const work = failing(() => {
    call += 1;
    return call % 2 === 0 ? unavailable(new Error('gone')) : new Error('poison');
  });
  const { consumer: made, parked } = consumer({ apply: work.apply });
  await made.handle(messages([1]), open);
  expect([call, parked]).toEqual([9, [['id-1', 'poison']]]);
});

test('a COMMIT whose answer was lost is applied again: the inbox makes that harmless', async () => {
  const inbox = new Set<number>();
  let effect = 0;
  let lost = false;
  const { consumer: made, confirmed } = consumer({
    apply: async (bodies) => {
      for (const body of bodies.filter((each) => !inbox.has(each))) {
        inbox.add(body);
        effect += 1;
      }
      if (!lost) {
        lost = true;
        throw new CommitUnknownError(new Error('The connection broke'));
      }
    },
  });
  await made.handle(messages(numbers(5)), open);
  expect([effect, confirmed.length]).toEqual([5, 5]);
});

test('a confirmation that fails is logged and harms nothing', async () => {
  const {
    consumer: made,
    applied,
    parked,
    logged,
  } = consumer({
    confirm: async () => {
      throw unavailable(new Error('The gateway is gone'));
    },
  });
  await made.handle(messages(numbers(3)), open);
  await made.handle(messages([3]), open);
  expect([[...applied], parked, logged]).toEqual([numbers(4), [], ['confirm_failed', 'confirm_failed']]);
});

test('parking that fails is logged; the event is still pending and comes again', async () => {
  const work = failing(() => new Error('poison'));
  const { consumer: made, logged } = consumer({
    apply: work.apply,
    park: async () => {
      throw unavailable(new Error('The gateway is gone'));
    },
  });
  await made.handle(messages([1]), open);
  expect(logged).toEqual(['event_parked', 'park_failed']);
});

test('a closing bus ends the tries at once: nothing is parked', async () => {
  const closing = new AbortController();
  const work = failing(() => unavailable(new Error('gone')));
  const { consumer: made, parked, confirmed } = consumer({ apply: work.apply });
  const handled = made.handle(messages(numbers(5)), closing.signal);
  await eventually(async () => expect(work.groups.length).toBeGreaterThan(3));
  closing.abort();
  // The pause ends, and one last try fails.
  expect(await settlesAtOnce(handled, 10)).toBe(true);
  expect([parked, confirmed]).toEqual([[], []]);
});

test('a reason is printable, bounded, and never empty', async () => {
  for (const [thrown, reason] of [
    [new Error(''), 'failed without a message'],
    [new Error('a\nb\u0000\ud800'), 'a b \uFFFD'],
    [new Error('x'.repeat(5000)), 'x'.repeat(1000)],
  ] as const) {
    const work = failing(() => thrown);
    const { consumer: made, parked } = consumer({ apply: work.apply });
    await made.handle(messages([1]), open);
    expect(parked).toEqual([['id-1', reason]]);
  }
});
