/**
 * The consumers that the journal waits for, with their bit in `pending`. Bits are stored: never change or reuse one.
 */
export const consumerBits: Readonly<Record<string, number>> = { progression: 1, leaderboard: 2 };

export const consumers: readonly string[] = Object.keys(consumerBits);

/**
 * Consumers that are told once and not waited for: what they miss they miss. No bit, so the journal owes them nothing.
 */
export const advisors: readonly string[] = ['fairness'];

/** Pending for everybody: how an event begins. */
export const everyConsumer = Object.values(consumerBits).reduce((mask, bit) => mask | bit, 0);
