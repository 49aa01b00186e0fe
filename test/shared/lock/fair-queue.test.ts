import { FairQueue, type Leave } from '../../../src/shared/lock/fair-queue';
import { memoryLock, refusal } from './locks';

test('holds no more waiters than its bound, over all keys, and has room again when they have left', async () => {
  const queue = new FairQueue(3);
  const enter = (key: string) => queue.enter(key, 10_000);
  const [a, b] = [(await enter('a')) as Leave, (await enter('b')) as Leave];
  const waiting = [enter('a'), enter('a'), enter('b')];
  expect([await enter('a'), await enter('b')]).toEqual(['full', 'full']);
  // Nobody waits for what is free.
  const c = (await enter('c')) as Leave;
  a();
  const next = (await waiting[0]) as Leave;
  const again = enter('b');
  expect(await enter('a')).toBe('full');
  for (const leave of [c, b, next]) leave();
  for (const each of [waiting[1], waiting[2], again]) ((await each) as Leave)();
});

test('leaving twice lets only one in', async () => {
  const queue = new FairQueue(10);
  const leave = (await queue.enter('a', 1000)) as Leave;
  const [second, third] = [queue.enter('a', 1000), queue.enter('a', 50)];
  leave();
  leave();
  const left = (await second) as Leave;
  expect(await third).toBe('late');
  left();
  expect(Reflect.get(queue, 'waiters')).toEqual(new Map());
});

test('ten thousand may wait for a lock; the next one is told at once', async () => {
  const service = await memoryLock.start();
  const { lock, metric } = await service.open({ waitMs: 3000, ttlMs: 60_000 });
  await using _held = await lock.hold('user:1');
  let told = 0;
  const waiting = Array.from({ length: 10_000 }, () => refusal(lock.hold('user:1')).finally(() => told++));
  const { code } = await refusal(lock.hold('user:1'));
  expect([code, told]).toEqual(['resource_busy', 0]);
  const refused = await Promise.all(waiting);
  expect(new Set(refused.map((each) => each.code))).toEqual(new Set(['resource_busy']));
  expect(await metric('lock_timeouts_total{lock="user"}')).toBe(10_001);
  await service.stop();
});

test('what is counted names the kind of thing, never the thing', async () => {
  const service = await memoryLock.start();
  const { lock, metric } = await service.open();
  for (const key of ['user:secret-1', 'secret-2', ':secret-3']) await (await lock.hold(key))[Symbol.asyncDispose]();
  expect(await metric('lock_wait_seconds_count{lock="user"}')).toBe(1);
  expect(await metric('lock_wait_seconds_count{lock="other"}')).toBe(2);
  await service.stop();
});
