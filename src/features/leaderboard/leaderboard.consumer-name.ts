/** As the journal knows this feature. */
export const consumerName = 'leaderboard';
