import { type RowOf, table } from '../../shared/db/entity';
import { inboxEntity } from '../../shared/log/inbox';

export const inbox = inboxEntity('progression_inbox');

/** The sums of each player. Times are milliseconds since 1970. */
export const playersTable = table('progression_players', (column) => ({
  columns: {
    playerId: column.text(128, { madeWith: 64 }),
    xp: column.bigint(),
    bossKills: column.bigint(),
    dropsClaimed: column.bigint(),
    version: column.bigint(),
    updatedAt: column.bigint(),
  },
  primary: ['playerId'],
}));

/** Rewards that players have earned, with the receipts of those that they have claimed. */
export const rewardsTable = table('progression_rewards', (column) => ({
  columns: {
    seq: column.sequence(),
    playerId: column.text(128, { madeWith: 64 }),
    rewardId: column.text(160, { madeWith: 80 }),
    kind: column.text(8),
    status: column.text(16),
    earnedAt: column.bigint(),
    claimedAt: column.nullableBigint(),
    receipt: column.nullableLongText(),
    groupId: column.bigint(),
  },
  unique: { progression_rewards_once: ['playerId', 'rewardId'] },
  indices: { progression_rewards_page: ['playerId', 'seq'] },
}));

export type PlayerRow = RowOf<typeof playersTable>;
export type RewardRow = RowOf<typeof rewardsTable>;
