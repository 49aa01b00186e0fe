import { z } from 'zod';
import { Load } from '../../../src/shared/async/load';
import { Loop } from '../../../src/shared/async/loop';
import { Poll } from '../../../src/shared/async/poll';
import { SharedCall } from '../../../src/shared/async/shared-call';
import { Batcher } from '../../../src/shared/batch/batch';
import type { BusMetrics } from '../../../src/shared/bus/bus.metrics';
import { InmemBus } from '../../../src/shared/bus/inmem.bus';
import type { Route } from '../../../src/shared/contract/contract';
import { currentContext, type RequestContext, runInContext } from '../../../src/shared/tracing/request-context';
import { testJobs } from '../../support/jobs';
import { recordingLogger } from '../../support/recording-logger';

// What serves many requests does not run as whoever came first: neither with those rights nor under that trace id.

const first: RequestContext = { traceId: 'first', caller: { kind: 'player', id: 'p-1' } };
const topic = { name: 'topic', schema: z.number() };

/** Resolves with the context that `see` was called in. */
function seen(start: (see: () => void) => unknown): Promise<RequestContext | undefined> {
  return new Promise((resolve) => runInContext(first, () => start(() => resolve(currentContext()))));
}

/** What goes on until it is stopped. */
const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

test.each<[string, (see: () => void) => unknown]>([
  [
    'a group of a batch',
    (see) => {
      const commit = async (items: readonly number[]): Promise<number[]> => {
        see();
        return [...items];
      };
      const resolve = async (items: readonly number[]) => items.map(() => undefined);
      return new Batcher<number, number>({ maxItems: 10, maxQueued: 10, commit, resolve }).submit(1);
    },
  ],
  [
    'a group on the bus',
    (see) => {
      const bus = new InmemBus(
        { count: () => undefined } as unknown as BusMetrics,
        recordingLogger().logger,
        new Load(),
      );
      stops.push(() => bus.close());
      bus.subscribe(topic, { consumer: 'one', maxGroup: 10, gatherMs: 0 }, async () => see());
      return bus.publish(topic, [{ key: 'k', body: 1 }]);
    },
  ],
  ['a round of jobs', (see) => testJobs().jobs.round({ look: async () => see() })],
  [
    'a loop',
    (see) => {
      const loop = new Loop({ everyMs: 60_000, atOnce: true, work: async () => see(), failed: () => undefined });
      stops.push(() => loop.stop());
      loop.start();
    },
  ],
  [
    'a look for all who watch',
    (see) => {
      const poll = new Poll(async () => see(), { everyMs: 60_000, isFinal: () => false });
      stops.push(poll.watch({ tell: () => undefined, fail: () => undefined }));
    },
  ],
  ['a call that many share', (see) => new SharedCall(async () => see()).run()],
])('%s runs outside of any request', async (_name, start) => {
  expect(await seen(start)).toBeUndefined();
});

test('whoever shares a call goes on as before', async () => {
  const shared = new SharedCall(async () => 'answer');
  await runInContext(first, async () => {
    await Promise.all([shared.run(), shared.run()]);
    expect(currentContext()).toBe(first);
  });
});

test('only what anybody may call is served without a context: anything else does not compile', () => {
  type Hot<Access> = { http: 'POST /x'; access: Access; hot: true } extends Route ? 'compiles' : 'refused';
  const found: [Hot<'public'>, Hot<'token'>, Hot<'player'>, Hot<'admin'>] = [
    'compiles',
    'refused',
    'refused',
    'refused',
  ];
  expect(found).toHaveLength(4);
});
