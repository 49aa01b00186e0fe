import { type MigrationInterface, type QueryRunner, Table } from 'typeorm';
import { bigint, longText, sequence, text } from '../../shared/db/columns';
import { inboxTable } from '../../shared/db/tables';

// One table each: MySQL commits every one at once, so a migration of several could end half done.
class CreateProgressionInbox1795219300000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(inboxTable(runner.dataSource.options.type, 'progression_inbox'));
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('progression_inbox');
  }
}

class CreateProgressionPlayers1795219300001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    const { type } = runner.dataSource.options;
    await runner.createTable(
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
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('progression_players');
  }
}

class CreateProgressionRewards1795219300002 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    const { type } = runner.dataSource.options;
    await runner.createTable(
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
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('progression_rewards');
  }
}

export const progressionMigrations = [
  CreateProgressionInbox1795219300000,
  CreateProgressionPlayers1795219300001,
  CreateProgressionRewards1795219300002,
];
