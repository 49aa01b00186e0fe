import { setTimeout as sleep } from 'node:timers/promises';
import type { Grant, QueuedLock } from '../../../src/shared/lock/queued.lock';
import { etcdLock, type LockService, redisLock, refusal, sharedLocks } from './locks';

// What a lock between processes promises beyond that. Each `open` is what another process has.

let count = 0;
/** A key that no other test has. */
const newKey = (): string => `user:${process.pid}-${count++}`;

/** What one process gets, to give it back when it likes: as a process does that was stopped meanwhile. */
function take(lock: QueuedLock, key: string): Promise<Grant | undefined> {
  const { attempt } = lock as unknown as { attempt: (key: string, limitMs: number) => Promise<Grant | undefined> };
  return attempt.call(lock, key, 1000);
}

describe.each(sharedLocks)('$name', ({ start }) => {
  let service: LockService;
  beforeAll(async () => {
    service = await start();
  });
  afterAll(() => service.stop());

  test('one at a time holds it, whatever the process', async () => {
    const locks = await Promise.all([1, 2, 3].map(() => service.open({ waitMs: 40_000, ttlMs: 10_000 })));
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
    for (const { logged } of locks) expect(logged).toEqual([]);
  });

  test('another process waits as long as it may, and gets it once it is given back', async () => {
    const [one, other] = [await service.open(), await service.open({ waitMs: 600 })];
    const key = newKey();
    const held = await one.lock.hold(key);
    const { code, ms } = await refusal(other.lock.hold(key));
    expect(code).toBe('resource_busy');
    expect(ms).toBeGreaterThan(500);
    expect(ms).toBeLessThan(2500);
    expect(await other.metric('lock_timeouts_total{lock="user"}')).toBe(1);
    const next = other.lock.hold(key);
    await sleep(100);
    await held[Symbol.asyncDispose]();
    await using _held = await next;
  });

  test('the lock of a process that died is free after its time to live and a second', async () => {
    const [dying, other] = [await service.open({ ttlMs: 2000 }), await service.open({ waitMs: 10_000 })];
    const key = newKey();
    await dying.lock.hold(key);
    const began = performance.now();
    await dying.die();
    await using _held = await other.lock.hold(key);
    expect(performance.now() - began).toBeGreaterThan(1500);
    // A second, and half of one for a machine that is busy otherwise.
    expect(performance.now() - began).toBeLessThan(3500);
  });

  test('given back too late, it stays with who has it now', async () => {
    const [slow, other] = [await service.open({ ttlMs: 1000 }), await service.open({ waitMs: 10_000 })];
    const key = newKey();
    const grant = await take(slow.lock, key);
    expect(grant).toBeDefined();
    await using held = await other.lock.hold(key);
    await grant?.giveBack();
    expect(await take(slow.lock, key)).toBeUndefined();
    held.check();
  });

  test('a process that answers is healthy', async () => {
    const { check } = await service.open();
    expect(await check()).toMatchObject({ status: 'healthy' });
  });
});

describe('the holder counts from before it asked, so that it stops before others may begin', () => {
  test('redis', async () => {
    const service = await redisLock.start();
    const { lock } = await service.open({ ttlMs: 2000 });
    await (await take(lock, newKey()))?.giveBack();
    const [server] = service.servers;
    server!.freeze();
    const began = performance.now();
    const taking = take(lock, newKey());
    await sleep(120);
    server!.resume();
    const grant = await taking;
    expect(grant?.until).toBeGreaterThan(began + 1500);
    expect(grant?.until).toBeLessThan(began + 2050);
    await service.stop();
  });

  test('etcd', async () => {
    const service = await etcdLock.start();
    const { lock } = await service.open({ ttlMs: 2000 });
    const { putIfAbsent } = lock as unknown as { putIfAbsent: (...all: unknown[]) => Promise<boolean> };
    const slowly = async (...all: unknown[]): Promise<boolean> => {
      await sleep(300);
      return putIfAbsent.apply(lock, all);
    };
    Object.assign(lock, { putIfAbsent: slowly });
    const grant = await take(lock, newKey());
    expect((grant?.until ?? 0) - performance.now()).toBeGreaterThan(0);
    expect((grant?.until ?? 0) - performance.now()).toBeLessThan(1750);
    await service.stop();
  });
});
