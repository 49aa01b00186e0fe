import { type RowOf, table } from '../../shared/db/entity';
import { idempotencyEntity } from '../../shared/idempotency/idempotency.table';
import type { Mode } from './fairness.rules';

export const keysTable = idempotencyEntity('fairness_idempotency');

/** One row for each rule. Times here and below are milliseconds since 1970. */
export const rulesTable = table('fairness_rules', (column) => ({
  columns: {
    id: column.text(32),
    version: column.bigint(),
    mode: column.text<Mode>(16),
    // JSON
    thresholds: column.longText(),
    updatedAt: column.bigint(),
  },
  primary: ['id'],
}));

/** One row for each player who was blocked lately: until `blockedUntil` the player may not send events. */
export const blocksTable = table('fairness_blocks', (column) => ({
  columns: {
    seq: column.sequence(),
    playerId: column.text(128, { madeWith: 64 }),
    rule: column.text(32),
    reason: column.text(200),
    blockedAt: column.bigint(),
    blockedUntil: column.bigint(),
    // Only grows, row by row.
    changedAt: column.bigint(),
    groupId: column.bigint(),
  },
  unique: { fairness_blocks_player: ['playerId'] },
  indices: { fairness_blocks_changed: ['changedAt', 'seq'], fairness_blocks_until: ['blockedUntil'] },
}));

/** Findings of rules, with the evidence and the verdict that people gave. */
export const flagsTable = table('fairness_flags', (column) => ({
  columns: {
    seq: column.sequence(),
    id: column.text(26),
    rule: column.text(32),
    eventId: column.text(255, { madeWith: 128 }),
    ruleVersion: column.bigint(),
    playerId: column.text(128, { madeWith: 64 }),
    // Thousandths: SQLite, PostgreSQL and MySQL round fractions in three ways.
    observed: column.bigint(),
    threshold: column.bigint(),
    verdict: column.text(16),
    createdAt: column.bigint(),
    reviewedAt: column.nullableBigint(),
    groupId: column.bigint(),
  },
  unique: { fairness_flags_id: ['id'], fairness_flags_once: ['rule', 'eventId'] },
  indices: { fairness_flags_player: ['playerId', 'seq'], fairness_flags_verdict: ['verdict', 'seq'] },
}));

export type BlockRow = RowOf<typeof blocksTable>;
/** A flag as people see it: with its evidence as it was found. */
export type StoredFlag = Omit<RowOf<typeof flagsTable>, 'groupId'>;
