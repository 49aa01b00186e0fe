/** The consumers that keep a place in the journal. Advisors, such as fairness, keep none: what they miss they miss. */
export const consumers: readonly string[] = ['progression', 'leaderboard'];
