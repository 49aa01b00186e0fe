import { TimeLimitError, within } from '../async/within';

// Longer than any Redis needs that is well, shorter than whoever waits for it would notice.
const answerMs = 150;
// So long nobody else waits for one that was silent.
const pauseMs = 1000;

/** Asks a Redis that may be gone at any instant: who waits 150 ms for it in vain has another way to answer. */
export class RedisPatience {
  private silentUntil = Number.NEGATIVE_INFINITY;

  constructor(private readonly limitMs = answerMs) {}

  /** False while it has just been silent. */
  get worthwhile(): boolean {
    return performance.now() >= this.silentUntil;
  }

  /** What `work` answers. @throws TimeLimitError after 150 ms, though it may still be done; else its own error */
  async wait<T>(work: Promise<T>): Promise<T> {
    try {
      return await within(work, this.limitMs);
    } catch (error) {
      if (error instanceof TimeLimitError) this.silentUntil = performance.now() + pauseMs;
      throw error;
    }
  }
}
