import { Table } from 'typeorm';
import { bigint, integer, longText, sequence, text } from '../../shared/db/columns';
import { createTable, widenText } from '../../shared/db/table.migration';
import { inboxTable } from '../../shared/log/inbox';
import { placeMigrations } from '../../shared/log/place.entity';

const CreateLeaderboardInbox1795219500000 = createTable('CreateLeaderboardInbox1795219500000', (type) =>
  inboxTable(type, 'leaderboard_inbox'),
);

const CreateLeaderboardWindows1795219500001 = createTable(
  'CreateLeaderboardWindows1795219500001',
  (type) =>
    new Table({
      name: 'leaderboard_windows',
      columns: [
        sequence(type),
        text(type, 'kind', 8),
        text(type, 'window_key', 32),
        bigint(type, 'starts_at'),
        bigint(type, 'ends_at'),
        text(type, 'state', 8),
        bigint(type, 'revision'),
        bigint(type, 'closed_at', { isNullable: true }),
        bigint(type, 'group_id'),
      ],
      indices: [
        { name: 'leaderboard_windows_key', columnNames: ['kind', 'window_key'], isUnique: true },
        { name: 'leaderboard_windows_state', columnNames: ['state', 'ends_at'] },
      ],
    }),
);

const CreateLeaderboardScores1795219500002 = createTable(
  'CreateLeaderboardScores1795219500002',
  (type) =>
    new Table({
      name: 'leaderboard_scores',
      columns: [
        bigint(type, 'window_id', { isPrimary: true }),
        text(type, 'player_id', 64, { isPrimary: true }),
        bigint(type, 'score'),
        bigint(type, 'achieved_at'),
        bigint(type, 'revision'),
      ],
      withoutRowid: true,
    }),
);

const CreateLeaderboardChanges1795219500005 = createTable(
  'CreateLeaderboardChanges1795219500005',
  (type) =>
    new Table({
      name: 'leaderboard_changes',
      columns: [
        bigint(type, 'window_id', { isPrimary: true }),
        bigint(type, 'revision', { isPrimary: true }),
        longText(type, 'standings'),
      ],
    }),
);

const CreateLeaderboardSnapshots1795219500003 = createTable(
  'CreateLeaderboardSnapshots1795219500003',
  (type) =>
    new Table({
      name: 'leaderboard_snapshots',
      columns: [
        sequence(type),
        text(type, 'id', 26),
        bigint(type, 'window_id'),
        bigint(type, 'slot'),
        text(type, 'kind', 8),
        bigint(type, 'taken_at'),
        bigint(type, 'total'),
        bigint(type, 'group_id'),
      ],
      indices: [
        { name: 'leaderboard_snapshots_id', columnNames: ['id'], isUnique: true },
        { name: 'leaderboard_snapshots_once', columnNames: ['window_id', 'slot'], isUnique: true },
      ],
    }),
);

const CreateLeaderboardSnapshotEntries1795219500004 = createTable(
  'CreateLeaderboardSnapshotEntries1795219500004',
  (type) =>
    new Table({
      name: 'leaderboard_snapshot_entries',
      columns: [
        text(type, 'snapshot_id', 26, { isPrimary: true }),
        integer(type, 'place', { isPrimary: true }),
        text(type, 'player_id', 64),
        bigint(type, 'score'),
        bigint(type, 'achieved_at'),
      ],
    }),
);

// Platforms have longer ids, and idempotency keys have up to 255 characters.
const WidenLeaderboardIds1795700500000 = widenText('WidenLeaderboardIds1795700500000', [
  { table: 'leaderboard_inbox', column: 'event_id', from: 128, to: 255 },
  { table: 'leaderboard_scores', column: 'player_id', from: 64, to: 128 },
  { table: 'leaderboard_snapshot_entries', column: 'player_id', from: 64, to: 128 },
]);

export const leaderboardMigrations = [
  CreateLeaderboardInbox1795219500000,
  CreateLeaderboardWindows1795219500001,
  CreateLeaderboardScores1795219500002,
  CreateLeaderboardSnapshots1795219500003,
  CreateLeaderboardSnapshotEntries1795219500004,
  CreateLeaderboardChanges1795219500005,
  WidenLeaderboardIds1795700500000,
  ...placeMigrations('leaderboard', 1796200200000),
];
