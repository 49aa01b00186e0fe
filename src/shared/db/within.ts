/** A call did not answer within its time limit. */
export class TimeLimitError extends Error {
  readonly code = 'TIME_LIMIT';

  constructor(limitMs: number) {
    super(`No answer within ${limitMs} ms`);
    this.name = 'TimeLimitError';
  }
}

/** Waits for `work`, at most `limitMs`; then calls `onLimit` and rejects. A late end of `work` is ignored. */
export function within<T>(limitMs: number, work: Promise<T>, onLimit?: () => void): Promise<T> {
  if (!Number.isFinite(limitMs)) return work;
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new TimeLimitError(limitMs));
      onLimit?.();
    }, limitMs);
    work.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
