/**
 * `work` as a callback of a timer, an event or a stream: what it throws, or rejects with, goes to `failed`. An exception
 * that leaves such a callback ends the process, and with it every other caller's request.
 */
export function guarded<Parameters extends readonly unknown[]>(
  work: (...parameters: Parameters) => unknown,
  failed: (error: unknown) => void,
): (...parameters: Parameters) => void {
  return (...parameters) => {
    try {
      const result = work(...parameters);
      if (result instanceof Promise) result.catch(failed);
    } catch (error) {
      failed(error);
    }
  };
}
