import { Table } from 'typeorm';
import { bigint, longText, sequence, text } from '../../shared/db/columns';
import { createTable, widenText } from '../../shared/db/table.migration';
import { inboxTable } from '../../shared/log/inbox';
import { placeMigrations } from '../../shared/log/place.entity';

const CreateProgressionInbox1795219300000 = createTable('CreateProgressionInbox1795219300000', (type) =>
  inboxTable(type, 'progression_inbox'),
);

const CreateProgressionPlayers1795219300001 = createTable(
  'CreateProgressionPlayers1795219300001',
  (type) =>
    new Table({
      name: 'progression_players',
      columns: [
        text(type, 'player_id', 64, { isPrimary: true }),
        bigint(type, 'xp'),
        bigint(type, 'boss_kills'),
        bigint(type, 'drops_claimed'),
        bigint(type, 'version'),
        bigint(type, 'updated_at'),
      ],
    }),
);

const CreateProgressionRewards1795219300002 = createTable(
  'CreateProgressionRewards1795219300002',
  (type) =>
    new Table({
      name: 'progression_rewards',
      columns: [
        sequence(type),
        text(type, 'player_id', 64),
        text(type, 'reward_id', 80),
        text(type, 'kind', 8),
        text(type, 'status', 16),
        bigint(type, 'earned_at'),
        bigint(type, 'claimed_at', { isNullable: true }),
        longText(type, 'receipt', { isNullable: true }),
        bigint(type, 'group_id'),
      ],
      indices: [
        { name: 'progression_rewards_once', columnNames: ['player_id', 'reward_id'], isUnique: true },
        { name: 'progression_rewards_page', columnNames: ['player_id', 'seq'] },
      ],
    }),
);

// Ids as platforms have them, and idempotency keys of up to 255 characters.
const WidenProgressionIds1795700300000 = widenText('WidenProgressionIds1795700300000', [
  { table: 'progression_inbox', column: 'event_id', from: 128, to: 255 },
  { table: 'progression_players', column: 'player_id', from: 64, to: 128 },
  { table: 'progression_rewards', column: 'player_id', from: 64, to: 128 },
  { table: 'progression_rewards', column: 'reward_id', from: 80, to: 160 },
]);

export const progressionMigrations = [
  CreateProgressionInbox1795219300000,
  CreateProgressionPlayers1795219300001,
  CreateProgressionRewards1795219300002,
  WidenProgressionIds1795700300000,
  ...placeMigrations('progression', 1796200100000),
];
