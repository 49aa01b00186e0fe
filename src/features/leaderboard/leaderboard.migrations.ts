import { type MigrationInterface, type QueryRunner, Table } from 'typeorm';
import { bigint, integer, longText, sequence, text } from '../../shared/db/columns';
import { inboxTable } from '../../shared/db/tables';

class CreateLeaderboardInbox1795219500000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(inboxTable(runner.dataSource.options.type, 'leaderboard_inbox'));
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('leaderboard_inbox');
  }
}

class CreateLeaderboardWindows1795219500001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    const { type } = runner.dataSource.options;
    await runner.createTable(
      new Table({
        name: 'leaderboard_windows',
        columns: [
          sequence(type),
          text(type, 'kind', 8),
          text(type, 'window_key', 32),
          bigint(type, 'starts_at'),
          bigint(type, 'ends_at'),
          text(type, 'state', 8),
          // Grows with every group of events that is applied; its row's lock puts those groups into one order.
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
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('leaderboard_windows');
  }
}

class CreateLeaderboardScores1795219500002 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    const { type } = runner.dataSource.options;
    await runner.createTable(
      new Table({
        name: 'leaderboard_scores',
        columns: [
          bigint(type, 'window_id', { isPrimary: true }),
          text(type, 'player_id', 64, { isPrimary: true }),
          bigint(type, 'score'),
          bigint(type, 'achieved_at'),
          // The window's revision that changed this row last.
          bigint(type, 'revision'),
        ],
        // No index in the order of the board: every event would move it twice in each of three windows, which costs
        // three times what the score itself does. The order is kept in memory.
        withoutRowid: true,
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('leaderboard_scores');
  }
}

/** What each revision of an open window has changed, for other processes to follow; with SQLite it stays empty. */
class CreateLeaderboardChanges1795219500005 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    const { type } = runner.dataSource.options;
    await runner.createTable(
      new Table({
        name: 'leaderboard_changes',
        columns: [
          bigint(type, 'window_id', { isPrimary: true }),
          bigint(type, 'revision', { isPrimary: true }),
          longText(type, 'standings'),
        ],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('leaderboard_changes');
  }
}

class CreateLeaderboardSnapshots1795219500003 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    const { type } = runner.dataSource.options;
    await runner.createTable(
      new Table({
        name: 'leaderboard_snapshots',
        columns: [
          sequence(type),
          text(type, 'id', 26),
          bigint(type, 'window_id'),
          // When its interval began; 0 for the final one. Of several processes the first to insert it takes the snapshot.
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
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('leaderboard_snapshots');
  }
}

class CreateLeaderboardSnapshotEntries1795219500004 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    const { type } = runner.dataSource.options;
    await runner.createTable(
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
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('leaderboard_snapshot_entries');
  }
}

export const leaderboardMigrations = [
  CreateLeaderboardInbox1795219500000,
  CreateLeaderboardWindows1795219500001,
  CreateLeaderboardScores1795219500002,
  CreateLeaderboardSnapshots1795219500003,
  CreateLeaderboardSnapshotEntries1795219500004,
  CreateLeaderboardChanges1795219500005,
];
