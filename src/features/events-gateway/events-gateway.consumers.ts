/**
 * The consumers that the journal waits for, with their bit in `pending`. Bits are stored: never change or reuse one.
 */
export const consumerBits: Readonly<Record<string, number>> = { progression: 1, leaderboard: 2 };

export const consumers: readonly string[] = Object.keys(consumerBits);

/** Pending for everybody: how an event begins. */
export const everyConsumer = Object.values(consumerBits).reduce((mask, bit) => mask | bit, 0);
