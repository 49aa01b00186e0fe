/**
 * The consumers that the journal waits for, with their bit in `pending`. Bits are stored: never change or reuse one.
 */
export const consumerBits: Readonly<Record<string, number>> = { progression: 1, leaderboard: 2 };

export const consumers: readonly string[] = Object.keys(consumerBits);

/**
 * Consumers that are told once and not waited for: what they miss they miss. No bit, so the journal owes them nothing.
 */
export const advisors: readonly string[] = ['fairness'];

/** Every value of `pending` in which a consumer's bit is set: an index finds rows by these, not by a bit. */
export function pendingWith(consumer: string): readonly number[] {
  const bit = consumerBits[consumer] ?? 0;
  return Array.from({ length: everyConsumer + 1 }, (_, mask) => mask).filter((mask) => (mask & bit) !== 0);
}

/** Pending for everybody: how an event begins. */
export const everyConsumer = Object.values(consumerBits).reduce((mask, bit) => mask | bit, 0);

/**
 * When an event is due that nobody waits for. MySQL cannot leave such rows out of the index of what is due, so they are at
 * its end, where nobody looks.
 */
export const neverDue = Number.MAX_SAFE_INTEGER;

/** The change to an event when a consumer is done with it; takes its bit twice. MySQL makes changes in this order. */
export const doneWith = `send_at = CASE WHEN pending = ? THEN ${neverDue} ELSE send_at END, pending = pending - ?`;
