import { type MigrationInterface, type QueryRunner, Table } from 'typeorm';
import { bigint, longText, sequence, text } from '../../shared/db/columns';
import { createTable, widenText } from '../../shared/db/table.migration';
import { idempotencyTable } from '../../shared/idempotency/idempotency.table';

const CreateFairnessRules1795219400000 = createTable(
  'CreateFairnessRules1795219400000',
  (type) =>
    new Table({
      name: 'fairness_rules',
      columns: [
        text(type, 'id', 32, { isPrimary: true }),
        bigint(type, 'version'),
        text(type, 'mode', 16),
        longText(type, 'thresholds'),
        bigint(type, 'updated_at'),
      ],
    }),
);

class SeedFairnessRules1795219400001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    const now = Date.now();
    const rows = [
      ['flood', '{"maxEvents":10,"maxStrikes":3,"strikeWindowSeconds":60,"blockSeconds":300}'],
      ['jump', '{"progressionPoints":1000,"bossKillPoints":5000,"dropClaimedPoints":10000,"blockSeconds":600}'],
      ['outlier', '{"minSamples":10,"maxDeviations":3.5}'],
    ].map(([id, thresholds]) => `('${id}', 1, 'enforce', '${thresholds}', ${now})`);
    await runner.query(
      `INSERT INTO fairness_rules (id, version, mode, thresholds, updated_at) VALUES ${rows.join(', ')}`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DELETE FROM fairness_rules');
  }
}

const CreateFairnessBlocks1795219400002 = createTable(
  'CreateFairnessBlocks1795219400002',
  (type) =>
    new Table({
      name: 'fairness_blocks',
      columns: [
        sequence(type),
        text(type, 'player_id', 64),
        text(type, 'rule', 32),
        text(type, 'reason', 200),
        bigint(type, 'blocked_at'),
        bigint(type, 'blocked_until'),
        bigint(type, 'changed_at'),
        bigint(type, 'group_id'),
      ],
      indices: [
        { name: 'fairness_blocks_player', columnNames: ['player_id'], isUnique: true },
        { name: 'fairness_blocks_changed', columnNames: ['changed_at', 'seq'] },
        { name: 'fairness_blocks_until', columnNames: ['blocked_until'] },
      ],
    }),
);

const CreateFairnessFlags1795219400003 = createTable(
  'CreateFairnessFlags1795219400003',
  (type) =>
    new Table({
      name: 'fairness_flags',
      columns: [
        sequence(type),
        text(type, 'id', 26),
        text(type, 'rule', 32),
        text(type, 'event_id', 128),
        bigint(type, 'rule_version'),
        text(type, 'player_id', 64),
        // Thousandths: SQLite, PostgreSQL and MySQL round fractions in three ways.
        bigint(type, 'observed'),
        bigint(type, 'threshold'),
        text(type, 'verdict', 16),
        bigint(type, 'created_at'),
        bigint(type, 'reviewed_at', { isNullable: true }),
        bigint(type, 'group_id'),
      ],
      indices: [
        { name: 'fairness_flags_id', columnNames: ['id'], isUnique: true },
        { name: 'fairness_flags_once', columnNames: ['rule', 'event_id'], isUnique: true },
        { name: 'fairness_flags_player', columnNames: ['player_id', 'seq'] },
        { name: 'fairness_flags_verdict', columnNames: ['verdict', 'seq'] },
      ],
    }),
);

const CreateFairnessIdempotency1795219600100 = createTable('CreateFairnessIdempotency1795219600100', (type) =>
  idempotencyTable(type, 'fairness_idempotency'),
);

// Ids as platforms have them, and idempotency keys of up to 255 characters.
const WidenFairnessIds1795700400000 = widenText('WidenFairnessIds1795700400000', [
  { table: 'fairness_blocks', column: 'player_id', from: 64, to: 128 },
  { table: 'fairness_flags', column: 'player_id', from: 64, to: 128 },
  { table: 'fairness_flags', column: 'event_id', from: 128, to: 255 },
]);

export const fairnessMigrations = [
  CreateFairnessRules1795219400000,
  SeedFairnessRules1795219400001,
  CreateFairnessBlocks1795219400002,
  CreateFairnessFlags1795219400003,
  CreateFairnessIdempotency1795219600100,
  WidenFairnessIds1795700400000,
];
