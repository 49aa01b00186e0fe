/**
 * Keeps writers of one thing apart, in all processes. A hint that saves retries, never the safety: a holder that was paused
 * for longer than the lock lives does not know it, so every write under a lock also names the version that it has read.
 */
export abstract class Lock {
  /**
   * Waits, in the order of arrival within this process, for LOCK_WAIT_MS at most. A dead holder blocks others for its
   * time to live (LOCK_TTL_MS) and a second at most.
   * @throws AppError resource_busy when the wait was in vain, unavailable when the lock service does not answer
   */
  abstract hold(key: string): Promise<Held>;
}

/** A lock while it is held; given back when it goes out of scope: `await using held = await lock.hold(key)`. */
export interface Held extends AsyncDisposable {
  /** To be asked right before a write. @throws AppError resource_busy once somebody else may hold the lock. */
  check(): void;
}
