import { setTimeout as sleep } from 'node:timers/promises';
import { everyLock, type LockService, refusal } from './locks';

// What every lock promises to those who use it from one process.

let count = 0;
/** A key that no other test has. */
const newKey = (): string => `user:${process.pid}-${count++}`;

describe.each(everyLock)('$name', ({ start }) => {
  let service: LockService;
  beforeAll(async () => {
    service = await start();
  });
  afterAll(() => service.stop());

  test('one at a time holds it, in the order of arrival', async () => {
    const { lock, metric } = await service.open();
    const key = newKey();
    const order: number[] = [];
    let inside = 0;
    const visit = async (i: number): Promise<void> => {
      await using held = await lock.hold(key);
      inside += 1;
      expect(inside).toBe(1);
      order.push(i);
      await sleep(2);
      held.check();
      inside -= 1;
    };
    const all = Array.from({ length: 40 }, (_, i) => i);
    await Promise.all(all.map(visit));
    expect(order).toEqual(all);
    expect(await metric('lock_wait_seconds_count{lock="user"}')).toBe(40);
    expect(await metric('lock_timeouts_total{lock="user"}')).toBe(0);
    expect(await metric('lock_lost_total{lock="user"}')).toBe(0);
  });

  test('who waits longer than the limit is told that it is busy, and when to come back', async () => {
    const { lock, metric } = await service.open({ waitMs: 1500 });
    const key = newKey();
    // It lives for longer: who is refused has not waited for its end.
    await using held = await lock.hold(key);
    const { code, ms, error } = await refusal(lock.hold(key));
    expect(error).toMatchObject({ kind: 'conflict', code: 'resource_busy', details: { retryAfterMs: 1000 } });
    expect(code).toBe('resource_busy');
    expect(ms).toBeGreaterThan(1400);
    expect(await metric('lock_timeouts_total{lock="user"}')).toBe(1);
    held.check();
  });

  test('a waiter that gave up is not waited for, and those behind it keep their order', async () => {
    const { lock, set } = await service.open();
    const key = newKey();
    const first = await lock.hold(key);
    set({ waitMs: 300 });
    const late = refusal(lock.hold(key));
    set({ waitMs: 50_000 });
    const order: number[] = [];
    const later = [1, 2].map(async (i) => {
      await using _held = await lock.hold(key);
      order.push(i);
    });
    expect((await late).code).toBe('resource_busy');
    await first[Symbol.asyncDispose]();
    await Promise.all(later);
    expect(order).toEqual([1, 2]);
  });

  test('given back, the next one has it long before its time to live has passed', async () => {
    const { lock } = await service.open({ ttlMs: 600_000 });
    const key = newKey();
    const first = await lock.hold(key);
    const second = lock.hold(key);
    await first[Symbol.asyncDispose]();
    await using _held = await second;
    expect(() => first.check()).toThrow(expect.objectContaining({ code: 'resource_busy' }));
  });

  test('who holds it for too long has lost it, is told so, and cannot take it from the next one', async () => {
    const { lock, metric, set } = await service.open({ ttlMs: 1000 });
    const key = newKey();
    const began = performance.now();
    // However slow the machine is, it has not lost it yet: for its holder no time passes here.
    const clock = jest.spyOn(performance, 'now').mockReturnValue(began);
    const first = await lock.hold(key);
    first.check();
    clock.mockRestore();
    set({ ttlMs: 60_000 });
    const second = await lock.hold(key);
    expect(performance.now() - began).toBeGreaterThan(900);
    expect(() => first.check()).toThrow(expect.objectContaining({ code: 'resource_busy' }));
    await first[Symbol.asyncDispose]();
    let granted = false;
    const third = lock.hold(key).then((held) => {
      granted = true;
      return held;
    });
    await sleep(200);
    expect(granted).toBe(false);
    second.check();
    await second[Symbol.asyncDispose]();
    await using _held = await third;
    expect(await metric('lock_lost_total{lock="user"}')).toBe(1);
  });

  test('a thread that was busy for longer than the lock lives finds that it is lost', async () => {
    const { lock, metric } = await service.open({ ttlMs: 1000 });
    const held = await lock.hold(newKey());
    for (const until = performance.now() + 1100; performance.now() < until; );
    expect(() => held.check()).toThrow(expect.objectContaining({ code: 'resource_busy' }));
    await held[Symbol.asyncDispose]();
    expect(await metric('lock_lost_total{lock="user"}')).toBe(1);
  });

  test('keys do not disturb each other', async () => {
    const { lock, metric } = await service.open();
    await using held = await lock.hold(newKey());
    const others = await Promise.all(Array.from({ length: 50 }, () => lock.hold(newKey())));
    for (const other of others) other.check();
    await Promise.all(others.map((other) => other[Symbol.asyncDispose]()));
    held.check();
    expect(await metric('lock_timeouts_total{lock="user"}')).toBe(0);
  });

  test('what is held when the process ends is free for the others at once, and nothing more is taken', async () => {
    const { lock, close } = await service.open({ ttlMs: 600_000 });
    const key = newKey();
    await lock.hold(key);
    await close();
    expect((await refusal(lock.hold(key))).code).toBe('unavailable');
    const next = await service.open();
    await using _held = await next.lock.hold(key);
  });
});
