import type { Outcome } from './wires';

const late = /^(TIME_LIMIT|57014|55P03|ER_STATEMENT_TIMEOUT|ER_LOCK_WAIT_TIMEOUT)$/;

/**
 * What `work` answers; again, as its caller does, as long as nothing but a limit of time keeps it from an answer: how long a
 * machine takes that others use, too, is nobody's promise. Twice must be as harmless as once: whether a COMMIT happened that was
 * late, nobody knows. Every other error is the caller's at once.
 */
export async function patiently<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isLate(error)) throw error;
    }
  }
}

function isLate(error: unknown): boolean {
  for (let one = error as Chained | undefined; one; one = one.cause ?? one.driverError)
    if (late.test(String(one.code)) || /^timeout exceeded when trying to connect/.test(String(one.message)))
      return true;
  return false;
}

interface Chained {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly cause?: Chained;
  readonly driverError?: Chained;
}

/** The same for a call over a wire, where an answer says whether it may be asked again; twice must be as harmless as once. */
export async function untilAnswered(call: () => Promise<Outcome>): Promise<Outcome> {
  for (;;) {
    const outcome = await call();
    if (!['unavailable', 'deadline_exceeded', 'in_progress'].includes(outcome.code)) return outcome;
  }
}
