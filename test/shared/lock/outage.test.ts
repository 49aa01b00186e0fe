import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../support/eventually';
import type { DatabaseServer } from '../../support/servers';
import { etcdClusterLock, type LockService, redisLock, redlock, refusal, sharedLocks } from './locks';

// What a lock promises while its service, or a part of it, does not answer.

let count = 0;
/** A key that no other test has. */
const newKey = (): string => `user:${process.pid}-${count++}`;

const waitMs = 1000;
// Of a machine that is busy otherwise; a hang would be for ever.
const patienceMs = waitMs + 1500;

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
  }, 20_000);
}

describe.each(sharedLocks)('$name', ({ start }) => {
  describe.each(outages)('$how', ({ strike, mend }) => {
    test('nobody hangs, everybody is told that it is unavailable, and it works once it is back', async () => {
      const service = await start();
      const opened = await service.open({ waitMs });
      const held = await opened.lock.hold(newKey());
      await Promise.all(service.servers.map(strike));

      const key = newKey();
      const refusals = await Promise.all(Array.from({ length: 5 }, () => refusal(opened.lock.hold(key))));
      for (const { code, ms, error } of refusals) {
        expect(error).toMatchObject({ kind: 'unavailable', details: { retryAfterMs: 1000 } });
        expect(code).toBe('unavailable');
        expect(ms).toBeLessThan(patienceMs);
      }
      expect(await opened.metric('lock_timeouts_total{lock="user"}')).toBe(0);

      const began = performance.now();
      expect(await opened.check()).toMatchObject({ status: 'degraded' });
      expect(performance.now() - began).toBeLessThan(1000);
      await held[Symbol.asyncDispose]();
      expect(performance.now() - began).toBeLessThan(2500);
      expect(opened.logged).toContain('lock_not_given_back');

      await Promise.all(service.servers.map(mend));
      await worksAgain(opened);
      expect(await opened.check()).toMatchObject({ status: 'healthy' });
      // Whatever was asked for meanwhile has been given back or has run out.
      const patient = await service.open({ waitMs: 8000 });
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
    const [one, other] = [await service.open({ waitMs }), await service.open({ waitMs })];
    const [first, second] = service.servers;
    await strike(first!);
    const key = newKey();
    const began = performance.now();
    const held = await one.lock.hold(key);
    // It does not wait for the third for as long as Redis may take to answer.
    expect(performance.now() - began).toBeLessThan(900);
    expect((await refusal(other.lock.hold(key))).code).toBe('resource_busy');
    held.check();
    await held[Symbol.asyncDispose]();
    await using _held = await other.lock.hold(key);
    expect(await one.check()).toMatchObject({ status: 'healthy' });

    await strike(second!);
    const { code, ms } = await refusal(one.lock.hold(newKey()));
    expect(code).toBe('unavailable');
    expect(ms).toBeLessThan(patienceMs);
    expect(await one.check()).toMatchObject({ status: 'degraded' });
    await service.stop();
  });
});

describe.each(outages)('etcd (3 members), the leader $how', ({ strike, mend }) => {
  test('the others go on, nobody hangs, and two never hold it', async () => {
    const service = await etcdClusterLock.start();
    const opened = await Promise.all([1, 2, 3].map(() => service.open({ waitMs })));
    // Each process talks to another member.
    for (const [i, { lock }] of opened.entries()) Object.assign(Reflect.get(lock, 'etcd') as object, { current: i });
    const leader = await service.leader();
    let inside = 0;
    const visits = opened.map(() => 0);
    let slowest = 0;
    let done = false;
    const key = newKey();
    const visitors = opened.map(async ({ lock }, i) => {
      while (!done) {
        const began = performance.now();
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
        slowest = Math.max(slowest, performance.now() - began);
        // Processes do not queue: whoever asks again at once would mostly win.
        await sleep(40);
      }
    });
    await sleep(500);
    await strike(leader);
    const before = [...visits];
    // The lease of who held it is kept by the new leader for its whole time, counted from its election.
    await eventually(async () => {
      for (const [i, count] of visits.entries()) expect(count).toBeGreaterThan(before[i]! + 3);
    }, 30_000);
    done = true;
    await Promise.all(visitors);
    expect(slowest).toBeLessThan(patienceMs + 500);
    await mend(leader);
    await Promise.all(opened.map(worksAgain));
    await service.stop();
  });
});

test('a Redis that has forgotten its locks: what is given back is not taken from the next one', async () => {
  const service = await redisLock.start();
  const [one, other] = [await service.open(), await service.open({ waitMs: 500 })];
  const key = newKey();
  const held = await one.lock.hold(key);
  await service.servers[0]!.restart();
  await worksAgain(other);
  await using next = await other.lock.hold(key);
  await held[Symbol.asyncDispose]();
  await eventually(async () => expect((await refusal(one.lock.hold(key))).code).toBe('resource_busy'));
  next.check();
  await service.stop();
});
