import { reportFaultsTo } from '../../../src/shared/async/guarded';
import { Batcher, type BatchOptions } from '../../../src/shared/batch/batch';
import { CommitUnknownError } from '../../../src/shared/db/db.errors';
import { unavailable } from '../../../src/shared/errors/common.errors';
import { inVirtualTime } from '../../support/virtual-time';

const isUnavailable = expect.objectContaining({ kind: 'unavailable' });

// The global one, which virtual time moves.
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function batcher(options: Partial<BatchOptions<number, string>>) {
  const groups: number[][] = [];
  const batch = new Batcher<number, string>({
    maxItems: 100,
    maxQueued: 1000,
    commit: async (items) => {
      groups.push([...items]);
      await sleep(2);
      return items.map((item) => `done ${item}`);
    },
    resolve: async (items) => items.map(() => undefined),
    ...options,
  });
  return { batch, groups };
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

describe('a batch', () => {
  test('commits what comes in one turn together, in order of arrival, and what comes meanwhile next', async () => {
    const { batch, groups } = batcher({});
    const first = numbers(5).map((item) => batch.submit(item));
    await sleep(1);
    const second = [batch.submit(5), batch.submitAll([6, 7])];
    expect(await Promise.all(first)).toEqual(numbers(5).map((item) => `done ${item}`));
    expect(groups[0]).toEqual([0, 1, 2, 3, 4]);
    await Promise.all(second);
    expect(groups).toEqual([
      [0, 1, 2, 3, 4],
      [5, 6, 7],
    ]);
  });

  test('what comes within the spacing of groups is one group; after a rest the next one begins at once', async () => {
    const { batch, groups } = batcher({ spacingMs: 400 });
    await inVirtualTime(5000, async () => {
      await batch.submit(0);
      const second = batch.submit(1);
      await sleep(20);
      await Promise.all([second, batch.submit(2)]);
      expect(groups).toEqual([[0], [1, 2]]);
      await sleep(400);
      const third = batch.submit(3);
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
      expect(groups).toHaveLength(3);
      await third;
    });
  });

  test('without promises: each is told once, and one that throws when it is told keeps nobody from the answer', async () => {
    const { batch } = batcher({ maxQueued: 3 });
    const told: unknown[] = [];
    const reported = jest.fn();
    reportFaultsTo(reported);
    batch.put(0, () => {
      throw new Error('of this one');
    });
    batch.put(1, (error, answer) => told.push([error, answer]));
    batch.put(2, (error, answer) => told.push([error, answer]));
    batch.put(3, (error) => told.push(error));
    expect(told).toEqual([isUnavailable]);
    await batch.idle();
    expect(told.slice(1)).toEqual([
      [undefined, 'done 1'],
      [undefined, 'done 2'],
    ]);
    expect(reported.mock.calls.map(([error]) => error.message)).toEqual(['of this one']);
  });

  test('runs one group at a time, none larger than allowed', async () => {
    let running = 0;
    const sizes: number[] = [];
    const commit = async (items: readonly number[]) => {
      running += 1;
      expect(running).toBe(1);
      sizes.push(items.length);
      await sleep(1);
      running -= 1;
      return items.map(String);
    };
    const { batch } = batcher({ commit, maxItems: 30 });
    expect(await Promise.all(numbers(100).map((item) => batch.submit(item)))).toEqual(numbers(100).map(String));
    expect(sizes).toEqual([30, 30, 30, 10]);
  });

  test('who waits behind an outage is told with the group; behind a quick failure they have their own try', async () => {
    let slow = true;
    const groups: (readonly number[])[] = [];
    const commit = async (items: readonly number[]) => {
      groups.push(items);
      await sleep(slow ? 700 : 5);
      if (items.includes(0)) throw unavailable(new Error('no answer'));
      return items.map(String);
    };
    const ask = async (waiting: string): Promise<void> => {
      const { batch } = batcher({ commit });
      const first = expect(batch.submit(0)).rejects.toEqual(isUnavailable);
      await sleep(2);
      const behind = Promise.allSettled([batch.submit(1), batch.submit(2)]);
      await first;
      const told = (await behind).map(({ status }) => status);
      expect(told).toEqual(waiting === 'refused' ? ['rejected', 'rejected'] : ['fulfilled', 'fulfilled']);
      expect(groups.splice(0)).toEqual(waiting === 'refused' ? [[0]] : [[0], [1, 2]]);
      // Later ones find a batch that works.
      slow = false;
      expect(await batch.submit(3)).toBe('3');
      groups.length = 0;
    };
    for (const waiting of ['refused', 'done']) await inVirtualTime(5000, () => ask(waiting));
  });

  test('answers nobody before the commit', async () => {
    let committed = false;
    const commit = async (items: readonly number[]) => {
      await sleep(30);
      committed = true;
      return items.map(String);
    };
    const { batch } = batcher({ commit });
    const early: boolean[] = [];
    await Promise.all(numbers(20).map((item) => batch.submit(item).then(() => early.push(committed))));
    expect(early).toEqual(Array(20).fill(true));
  });

  test('one poison item of a hundred fails alone, and each item is committed once', async () => {
    const done: number[] = [];
    const commit = async (items: readonly number[]) => {
      if (items.includes(37)) throw new Error('poison');
      if (items.includes(62)) throw new Error('other poison');
      done.push(...items);
      return items.map(String);
    };
    const { batch } = batcher({ commit });
    const outcomes = await batch.submitAll(numbers(100));
    const failed = outcomes.flatMap((outcome, i) =>
      outcome.status === 'rejected' ? [[i, (outcome.reason as Error).message]] : [],
    );
    expect(failed).toEqual([
      [37, 'poison'],
      [62, 'other poison'],
    ]);
    expect(done).toEqual(numbers(100).filter((item) => item !== 37 && item !== 62));
  });

  test('a database that is away fails the group at once, without a second try', async () => {
    let tries = 0;
    const commit = async () => {
      tries += 1;
      throw unavailable();
    };
    const { batch } = batcher({ commit });
    const outcomes = await batch.submitAll(numbers(50));
    for (const outcome of outcomes) expect(outcome).toEqual({ status: 'rejected', reason: isUnavailable });
    expect(tries).toBe(1);
  });

  test('after a lost COMMIT answers what the database holds', async () => {
    const asked: [readonly number[], number][] = [];
    let sent = 0;
    const { batch } = batcher({
      commit: async (_items, groupId) => {
        sent = groupId;
        throw new CommitUnknownError(new Error('cut'));
      },
      resolve: async (items, groupId) => {
        asked.push([items, groupId]);
        return items.map((item) => (item < 3 ? `held ${item}` : undefined));
      },
    });
    const outcomes = await batch.submitAll(numbers(5));
    expect(asked).toEqual([[numbers(5), sent]]);
    expect(outcomes.slice(0, 3)).toEqual(numbers(3).map((item) => ({ status: 'fulfilled', value: `held ${item}` })));
    for (const outcome of outcomes.slice(3)) expect(outcome).toEqual({ status: 'rejected', reason: isUnavailable });
  });

  test('a lost COMMIT that cannot be read back is unavailable', async () => {
    const lost = async () => {
      throw new CommitUnknownError(new Error('cut'));
    };
    const { batch } = batcher({ commit: lost, resolve: () => Promise.reject(new Error('gone')) });
    await expect(batch.submit(1)).rejects.toEqual(isUnavailable);
  });

  test('refuses at once beyond its bound, all or none of a list', async () => {
    const { batch } = batcher({ maxQueued: 10 });
    const first = batch.submitAll(numbers(8));
    await expect(batch.submitAll([1, 2, 3])).rejects.toEqual(isUnavailable);
    const more = [batch.submit(8), batch.submit(9)];
    expect(batch.queued).toBe(10);
    await expect(batch.submit(10)).rejects.toEqual(isUnavailable);
    expect((await first).every((outcome) => outcome.status === 'fulfilled')).toBe(true);
    await Promise.all(more);
    expect(batch.queued).toBe(0);
    await expect(batch.submit(11)).resolves.toBe('done 11');
  });

  test('drains: what it took is answered, nothing more is taken', async () => {
    const { batch } = batcher({ maxItems: 10 });
    let answered = 0;
    const taken = numbers(35).map((item) =>
      batch.submit(item).then(() => {
        answered += 1;
      }),
    );
    await batch.drain();
    expect(answered).toBe(35);
    await Promise.all(taken);
    await expect(batch.submit(99)).rejects.toEqual(isUnavailable);
    await expect(batch.drain()).resolves.toBeUndefined();
  });

  test('a commit with too few answers is an error and is not run again', async () => {
    let tries = 0;
    const commit = async () => {
      tries += 1;
      return ['only one'];
    };
    const { batch } = batcher({ commit });
    const outcomes = await batch.submitAll([1, 2]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(tries).toBe(1);
  });

  test('every try has a group id of its own, a safe integer', async () => {
    const ids: number[] = [];
    const commit = async (items: readonly number[], groupId: number) => {
      ids.push(groupId);
      if (items.length > 1) throw new Error('again');
      return items.map(String);
    };
    await batcher({ commit }).batch.submitAll(numbers(16));
    expect(new Set(ids).size).toBe(31);
    expect(ids.every(Number.isSafeInteger)).toBe(true);
  });
});
