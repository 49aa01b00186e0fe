import { guarded } from './guarded';

/** A call did not answer within its time limit. */
export class TimeLimitError extends Error {
  readonly code = 'TIME_LIMIT';

  constructor(limitMs: number) {
    super(`No answer within ${Math.round(limitMs)} ms`);
    this.name = 'TimeLimitError';
  }
}

/**
 * Answers what `work` answers, at most `limitMs` later; then `onLimit` is called. Work that takes longer goes on alone; what
 * becomes of it nobody hears.
 * @throws TimeLimitError when the time is over
 */
export function within<T>(work: PromiseLike<T>, limitMs: number, onLimit?: () => void): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    let settled = false;
    const giveUp = (): void => {
      if (settled) return;
      reject(new TimeLimitError(limitMs));
      onLimit?.();
    };
    // Where the thread was busy, the answer has come and was not read yet: timers go first.
    const timer = Number.isFinite(limitMs)
      ? setTimeout(
          guarded(() => setImmediate(guarded(giveUp))),
          limitMs,
        )
      : undefined;
    const settle = (answer: () => void): void => {
      settled = true;
      clearTimeout(timer);
      answer();
    };
    work.then(
      (value) => settle(() => resolve(value)),
      (error) => settle(() => reject(error)),
    );
  });
}
