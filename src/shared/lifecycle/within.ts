import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';

/**
 * What `work` comes to, at most `limitMs` later. Work that takes longer goes on alone; what becomes of it nobody hears.
 * @throws Error when the time is over
 */
export async function within<T>(work: PromiseLike<T>, limitMs: number): Promise<T> {
  const over = new AbortController();
  const limit = sleep(limitMs, undefined, { signal: over.signal }).then(
    async () => {
      // Where the thread was busy, the answer has come and was not read yet: timers go first.
      await turn();
      throw new Error(`No answer within ${Math.round(limitMs)} ms`);
    },
    // Aborted below: the work was done in time.
    () => new Promise<never>(() => undefined),
  );
  try {
    return await Promise.race([work, limit]);
  } finally {
    over.abort();
  }
}
