type Report = (error: unknown) => void;

let reporter: Report = (error) => process.emitWarning(error instanceof Error ? error : String(error));

/** Called once: with an error, or with undefined and the value. */
export type Settle<Value> = (error: unknown, value?: Value) => void;

/** Where errors go that nobody foresaw in the background of this process. The latest one told is asked. */
export function reportFaultsTo(report: Report): void {
  reporter = report;
}

/** Says that something went wrong for which nobody waits. Never throws. */
export function fault(error: unknown): void {
  try {
    reporter(error);
  } catch (second) {
    process.emitWarning(String(second));
  }
}

/**
 * `work` as a callback of a timer, an event or a stream: what it throws, or rejects with, goes to `failed`. An exception
 * that leaves such a callback ends the process, and with it every other caller's request.
 */
export function guarded<Parameters extends readonly unknown[]>(
  work: (...parameters: Parameters) => unknown,
  failed: Report = fault,
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

/** Goes on without waiting for `work`; its error is reported, since a rejection that nobody hears ends the process. */
export function detach(work: Promise<unknown>): void {
  work.catch(fault);
}
