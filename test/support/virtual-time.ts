/**
 * What `work` comes to before so many milliseconds have passed on a clock that only this function moves: timers and
 * clocks of this process stand still otherwise. Not for work that waits for a socket or a file.
 * @throws when it is still waiting then
 */
export async function inVirtualTime<T>(ms: number, work: () => Promise<T>): Promise<T> {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask'] });
  try {
    let settled = false;
    const running = work().finally(() => {
      settled = true;
    });
    running.catch(() => undefined);
    await jest.advanceTimersByTimeAsync(ms);
    if (!settled) throw new Error(`Still waiting after ${ms} ms`);
    return await running;
  } finally {
    jest.useRealTimers();
  }
}
