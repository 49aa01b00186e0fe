import { setTimeout as sleep } from 'node:timers/promises';
import type { Grant, QueuedLock } from '../../../src/shared/lock/queued.lock';
import { eventually } from '../../support/eventually';
import { etcdLock, type LockService, redisLock, refusal, sharedLocks } from './locks';

// What a lock between processes promises beyond that. Each `open` is what another process has.

let count = 0;
/** A key that no other test has. */
const newKey = (): string => `user:${process.pid}-${count++}`;

/** What one process gets, to give it back when it likes: as a process does that was stopped meanwhile. */
function take(lock: QueuedLock, key: string): Promise<Grant | undefined> {
  const { attempt } = lock as unknown as { attempt: (key: string, limitMs: number) => Promise<Grant | undefined> };
  return attempt.call(lock, key, 10_000);
}

/** Whether anybody has it, as soon as the service says so. */
async function isTaken(lock: QueuedLock, key: string): Promise<boolean> {
  let grant: Grant | undefined;
  await eventually(async () => {
    grant = await take(lock, key);
  });
  await grant?.giveBack();
  return grant === undefined;
}

describe.each(sharedLocks)('$name', ({ start }) => {
  let service: LockService;
  beforeAll(async () => {
    service = await start();
  });
  afterAll(() => service.stop());

  test('one at a time holds it, whatever the process', async () => {
    const locks = await Promise.all([1, 2, 3].map(() => service.open()));
    const key = newKey();
    let inside = 0;
    let visits = 0;
    const visit = async (lock: QueuedLock): Promise<void> => {
      await using _held = await lock.hold(key);
      inside += 1;
      expect(inside).toBe(1);
      visits += 1;
      await sleep(2);
      inside -= 1;
    };
    await Promise.all(locks.flatMap(({ lock }) => Array.from({ length: 12 }, () => visit(lock))));
    expect(visits).toBe(36);
    // On a busy machine an answer may come too late for whoever gives back; that is tried again.
    for (const { logged } of locks) expect(logged.filter((each) => each !== 'lock_not_given_back')).toEqual([]);
  });

  test('another process waits as long as it may, and gets it once it is given back', async () => {
    const [one, other] = [await service.open(), await service.open({ waitMs: 1500 })];
    const key = newKey();
    const held = await one.lock.hold(key);
    const { code, ms } = await refusal(other.lock.hold(key));
    expect(code).toBe('resource_busy');
    expect(ms).toBeGreaterThan(1400);
    expect(await other.metric('lock_timeouts_total{lock="user"}')).toBe(1);
    other.set({ waitMs: 50_000 });
    const next = other.lock.hold(key);
    await sleep(100);
    await held[Symbol.asyncDispose]();
    await using _held = await next;
  });

  test('the lock of a process that died is free after its time to live, one that lives longer is not', async () => {
    const [dying, other] = [await service.open(), await service.open()];
    const [short, longer] = [newKey(), newKey()];
    await dying.lock.hold(longer);
    dying.set({ ttlMs: 2000 });
    // From before it was asked for: where this process stands still afterwards, that time counts, too.
    const began = performance.now();
    await dying.lock.hold(short);
    await dying.die();
    await using _held = await other.lock.hold(short);
    expect(performance.now() - began).toBeGreaterThan(1900);
    expect(await isTaken(other.lock, longer)).toBe(true);
  });

  test('given back too late, it stays with who has it now', async () => {
    const [slow, other] = [await service.open({ ttlMs: 1000 }), await service.open()];
    const key = newKey();
    let grant: Grant | undefined;
    await eventually(async () => {
      grant = await take(slow.lock, key);
      expect(grant).toBeDefined();
    });
    await using held = await other.lock.hold(key);
    await grant?.giveBack();
    expect(await isTaken(slow.lock, key)).toBe(true);
    held.check();
  });

  test('a process that answers is healthy', async () => {
    const { check } = await service.open();
    await eventually(async () => expect(await check()).toMatchObject({ status: 'healthy' }));
  });
});

describe('the holder counts from before it asked, so that it stops before others may begin', () => {
  test('redis', async () => {
    const service = await redisLock.start();
    const { lock } = await service.open({ ttlMs: 2000 });
    const [server] = service.servers;
    // Once it is answered in time.
    await eventually(async () => {
      server!.freeze();
      const began = performance.now();
      const taking = take(lock, newKey()).catch(() => undefined);
      const asked = performance.now();
      await sleep(120);
      server!.resume();
      const grant = await taking;
      // A hundredth for clocks that run apart.
      expect(grant?.until).toBeGreaterThan(began + 2000 - 100);
      expect(grant?.until).toBeLessThan(asked + 2000);
    });
    await service.stop();
  });

  test('etcd', async () => {
    const service = await etcdLock.start();
    const { lock } = await service.open();
    const { putIfAbsent } = lock as unknown as { putIfAbsent: (...all: unknown[]) => Promise<boolean> };
    let asked = 0;
    const slowly = async (...all: unknown[]): Promise<boolean> => {
      asked = performance.now();
      await sleep(300);
      return putIfAbsent.apply(lock, all);
    };
    Object.assign(lock, { putIfAbsent: slowly });
    const began = performance.now();
    const grant = await take(lock, newKey());
    expect(grant?.until).toBeGreaterThanOrEqual(began + 60_000);
    expect(grant?.until).toBeLessThanOrEqual(asked + 60_000);
    await service.stop();
  });
});
