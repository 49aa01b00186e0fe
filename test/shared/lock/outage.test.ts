import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisClient } from '../../../src/shared/redis/redis.client';
import { eventually } from '../../support/eventually';
import type { DatabaseServer } from '../../support/servers';
import { etcdClusterLock, type LockService, redisLock, redlock, refusal, sharedLocks } from './locks';

// What a lock promises while its service, or a part of it, does not answer.

let count = 0;
/** A key that no other test has. */
const newKey = (): string => `user:${process.pid}-${count++}`;

// A lock that was granted unheard ends by itself, long before a test does.
const ttlMs = 5000;
const waitMs = 1000;

const outages = [
  {
    how: 'killed',
    strike: (server: DatabaseServer) => server.kill(),
    mend: (server: DatabaseServer) => server.start(),
  },
  {
    how: 'frozen',
    strike: async (server: DatabaseServer) => server.freeze(),
    mend: async (server: DatabaseServer) => server.resume(),
  },
];

async function worksAgain({ lock }: Awaited<ReturnType<LockService['open']>>): Promise<void> {
  await eventually(async () => {
    await using held = await lock.hold(newKey());
    held.check();
  }, 60_000);
}

describe.each(sharedLocks)('$name', ({ start }) => {
  describe.each(outages)('$how', ({ strike, mend }) => {
    test('nobody hangs, everybody is told that it is unavailable, and it works once it is back', async () => {
      const service = await start();
      const opened = await service.open({ ttlMs });
      const held = await opened.lock.hold(newKey());
      opened.set({ waitMs });
      await Promise.all(service.servers.map(strike));

      const key = newKey();
      const first = refusal(opened.lock.hold(key));
      // The others give up while the first one's try still waits for an answer.
      opened.set({ waitMs: waitMs / 2 });
      const others = Array.from({ length: 5 }, () => refusal(opened.lock.hold(key)));
      const refusals = await Promise.all([first, ...others]);
      for (const { code, error } of refusals) {
        expect(error).toMatchObject({ kind: 'unavailable', details: { retryAfterMs: 1000 } });
        expect(code).toBe('unavailable');
      }
      expect(await opened.metric('lock_timeouts_total{lock="user"}')).toBe(0);

      expect(await opened.check()).toMatchObject({ status: 'degraded' });
      await held[Symbol.asyncDispose]();
      await eventually(async () => expect(opened.logged).toContain('lock_not_given_back'));

      await Promise.all(service.servers.map(mend));
      await worksAgain(opened);
      await eventually(async () => expect(await opened.check()).toMatchObject({ status: 'healthy' }));
      // Whatever was asked for meanwhile has been given back or has run out.
      const patient = await service.open();
      await using _held = await patient.lock.hold(key);
      await service.stop();
    });
  });
});

describe.each([
  { ...redlock, how: 'killed', strike: outages[0]!.strike },
  { ...redlock, how: 'frozen', strike: outages[1]!.strike },
])('$name, $how', ({ start, strike }) => {
  test('without one of three it works; without two it is unavailable', async () => {
    const service = await start();
    const [one, other] = [await service.open(), await service.open({ waitMs })];
    const [first, second] = service.servers;
    await strike(first!);
    const key = newKey();
    const held = await one.lock.hold(key);
    expect((await refusal(other.lock.hold(key))).code).toBe('resource_busy');
    held.check();
    await held[Symbol.asyncDispose]();
    other.set({ waitMs: 50_000 });
    await using _held = await other.lock.hold(key);
    await eventually(async () => expect(await one.check()).toMatchObject({ status: 'healthy' }));

    await strike(second!);
    one.set({ waitMs });
    expect((await refusal(one.lock.hold(newKey()))).code).toBe('unavailable');
    expect(await one.check()).toMatchObject({ status: 'degraded' });
    await service.stop();
  });
});

test('a Redis of three that is frozen is not waited for as long as its client waits', async () => {
  const service = await redlock.start();
  const { lock } = await service.open();
  service.servers[0]!.freeze();
  const [client] = Reflect.get(lock, 'clients') as RedisClient[];
  const order: string[] = [];
  const patience = client!.ping().catch(() => order.push('the client'));
  await using _held = await lock.hold(newKey());
  order.push('the lock');
  await patience;
  expect(order).toEqual(['the lock', 'the client']);
  await service.stop();
});

describe.each(outages)('etcd (3 members), the leader $how', ({ strike, mend }) => {
  test('the others go on, nobody hangs, and two never hold it', async () => {
    const service = await etcdClusterLock.start();
    const opened = await Promise.all([1, 2, 3].map(() => service.open({ ttlMs, waitMs })));
    // Each process talks to another member.
    for (const [i, { lock }] of opened.entries()) Object.assign(Reflect.get(lock, 'etcd') as object, { current: i });
    const leader = await service.leader();
    let inside = 0;
    const visits = opened.map(() => 0);
    let done = false;
    const key = newKey();
    const visitors = opened.map(async ({ lock }, i) => {
      while (!done) {
        try {
          await using held = await lock.hold(key);
          inside += 1;
          expect(inside).toBe(1);
          held.check();
          visits[i]! += 1;
          inside -= 1;
        } catch (error) {
          expect((error as { code: string }).code).toMatch(/^(resource_busy|unavailable)$/);
        }
        // Processes do not queue: whoever asks again at once would mostly win.
        await sleep(40);
      }
    });
    await eventually(async () => expect(Math.min(...visits)).toBeGreaterThan(0));
    await strike(leader);
    const before = [...visits];
    // The lease of who held it is kept by the new leader for its whole time, counted from its election.
    await eventually(async () => {
      for (const [i, count] of visits.entries()) expect(count).toBeGreaterThan(before[i]! + 3);
    }, 60_000);
    done = true;
    await Promise.all(visitors);
    await mend(leader);
    await Promise.all(opened.map(worksAgain));
    await service.stop();
  });
});

test('a Redis that has forgotten its locks: what is given back is not taken from the next one', async () => {
  const service = await redisLock.start();
  const [one, other] = [await service.open(), await service.open()];
  const key = newKey();
  const held = await one.lock.hold(key);
  one.set({ waitMs: 500 });
  await service.servers[0]!.restart();
  await worksAgain(other);
  await using next = await other.lock.hold(key);
  await held[Symbol.asyncDispose]();
  await eventually(async () => expect((await refusal(one.lock.hold(key))).code).toBe('resource_busy'));
  next.check();
  await service.stop();
});
