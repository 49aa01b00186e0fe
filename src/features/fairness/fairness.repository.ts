import { Injectable } from '@nestjs/common';
import { LessThan } from 'typeorm';
import { Clock } from '../../shared/clock/clock';
import { inList, insertNew, keyOf, newGroupId } from '../../shared/db/bulk';
import type { Database, Sql, Value } from '../../shared/db/database';
import { Databases } from '../../shared/db/databases';
import { type RowOf, rowsOf, select } from '../../shared/db/entity';
import { prune } from '../../shared/db/prune';
import { Idempotency, type KeyedRequest } from '../../shared/idempotency/idempotency';
import type { IdempotencyRepository, Once } from '../../shared/idempotency/idempotency.repository';
import { type BlockRow, blocksTable, flagsTable, keysTable, rulesTable, type StoredFlag } from './fairness.entity';
import type { Block, Findings, Flag } from './fairness.findings';
import { isRuleId, type RuleId, type StoredRule } from './fairness.rules';

/** Blocks that hold now for the players of the findings, and flags that were not there before. */
export interface Saved {
  readonly blocks: readonly Block[];
  readonly flags: readonly Flag[];
}

export type FlagFilter = Readonly<Partial<Record<'playerId' | 'rule' | 'verdict', string | undefined>>>;

const blockColumns = {
  player_id: 'text',
  rule: 'text',
  reason: 'text',
  blocked_at: 'int',
  blocked_until: 'int',
  changed_at: 'int',
} as const;
const flagColumns = {
  id: 'text',
  rule: 'text',
  event_id: 'text',
  rule_version: 'int',
  player_id: 'text',
  observed: 'int',
  threshold: 'int',
  verdict: 'text',
  created_at: 'int',
} as const;
// Grows with every change of a row even where clocks differ, so that of two versions all processes keep the same one.
const laterChange = 'changed_at = CASE WHEN changed_at >= ? THEN changed_at + 1 ELSE ? END';

/**
 * The tables of fairness. Findings are written in groups, since events are judged in groups; blocks are read as plain rows,
 * since every process looks for changed ones each second.
 */
@Injectable()
export class FairnessRepository {
  private readonly db: Database;
  private readonly keys: IdempotencyRepository;

  constructor(
    databases: Databases,
    private readonly clock: Clock,
    private readonly idempotency: Idempotency,
  ) {
    this.db = databases.of('fairness');
    this.keys = idempotency.keysIn(this.db, keysTable.name);
  }

  /** In one transaction. Saving again what is there has no effect. */
  save({ blocks, flags }: Findings, priority: 'normal' | 'background' = 'normal'): Promise<Saved> {
    const groupId = newGroupId();
    return this.db.transaction(
      async (tx) => ({
        blocks: blocks.length === 0 ? [] : await raiseBlocks(tx, blocks, groupId),
        flags: flags.length === 0 ? [] : await insertFlags(tx, flags, groupId),
      }),
      { priority },
    );
  }

  /** Blocks that hold now, in the order of their places. */
  activeBlocks(afterSeq: number, limit: number): Promise<BlockRow[]> {
    const where = 'WHERE seq > ? AND blocked_until > ? ORDER BY seq LIMIT ?';
    return this.blocks(where, [afterSeq, this.clock.steady(), limit]);
  }

  /** Blocks that were changed after this moment and place, also those that have ended. */
  changedBlocks({ at, seq }: { readonly at: number; readonly seq: number }, limit: number): Promise<BlockRow[]> {
    const where = 'WHERE changed_at > ? OR (changed_at = ? AND seq > ?) ORDER BY changed_at, seq LIMIT ?';
    return this.blocks(where, [at, at, seq, limit]);
  }

  /** The blocks that these players have now; at most 16,000 players. */
  blocksOf(playerIds: readonly string[]): Promise<BlockRow[]> {
    const list = inList(this.db.kind, playerIds);
    return this.blocks(`WHERE player_id ${list.text} AND blocked_until > ?`, [...list.params, this.clock.steady()]);
  }

  /** Blocks that hold now, by player id. */
  listBlocks(afterPlayerId: string, limit: number): Promise<BlockRow[]> {
    const where = 'WHERE player_id > ? AND blocked_until > ? ORDER BY player_id LIMIT ?';
    return this.blocks(where, [afterPlayerId, this.clock.steady(), limit]);
  }

  /**
   * Puts the block in the place of the one that the player may have, and keeps with it what will be answered, should
   * the call come again with the same Idempotency-Key: then that is what this answers, and nothing is done.
   * @throws AppError idempotency_key_reused, in_progress
   */
  replaceBlock<Kept extends object>(
    block: Block,
    call: KeyedRequest,
    kept: (block: Block) => Kept,
  ): Promise<Once<{ readonly block: Block; readonly kept: Kept }>> {
    const once = this.idempotency.callOf('FairnessService.BlockPlayer', call);
    return this.db.transaction((tx) =>
      this.keys.once(tx, once, async () => {
        const fresh = await insertBlocks(tx, [block], newGroupId());
        if (fresh.size === 0) await overwriteBlock(tx, block);
        const written = await blockIn(tx, block.playerId);
        return { block: written, kept: kept(written) };
      }),
    );
  }

  /** Ends the player's block now; undefined when there is none. */
  endBlock(playerId: string): Promise<BlockRow | undefined> {
    const now = this.clock.steady();
    const text = `UPDATE fairness_blocks SET blocked_until = ?, ${laterChange} WHERE player_id = ? AND blocked_until > ?`;
    return this.db.transaction(async (tx) => {
      const ended = await tx.run(text, [now, now, now, playerId, now]);
      return ended === 0 ? undefined : blockIn(tx, playerId);
    });
  }

  /** Removes up to `limit` rows of blocks that ended before an instant, and answers how many. */
  pruneBlocks(before: number, limit: number): Promise<number> {
    return prune(this.db, { table: blocksTable.name, column: 'blocked_until', before, limit });
  }

  /** Flags before this place, newest first. */
  async listFlags(filter: FlagFilter, before: number, take: number): Promise<StoredFlag[]> {
    const given = Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
    const where = { ...given, seq: LessThan(before) };
    const wanted = { where, order: { seq: 'DESC' }, take } as const;
    return (await this.db.read((sql) => rowsOf(sql, flagsTable).find(wanted))).map(toFlag);
  }

  /** The player's flags, counted up to `limit`. */
  async countFlags(playerId: string, limit: number): Promise<number> {
    const text =
      'SELECT COUNT(*) AS count FROM (SELECT seq FROM fairness_flags WHERE player_id = ? LIMIT ?) AS counted';
    const [row] = await this.db.read((sql) => sql.rows<{ count: number | string }>(text, [playerId, limit]));
    return Number(row?.count ?? 0);
  }

  /** Undefined when there is no such flag. */
  reviewFlag(id: string, verdict: string): Promise<StoredFlag | undefined> {
    const change = { verdict, reviewedAt: this.clock.steady() };
    return this.db.transaction(async (tx) => {
      await rowsOf(tx, flagsTable).update({ id }, change);
      const row = await rowsOf(tx, flagsTable).findOneBy({ id });
      return row ? toFlag(row) : undefined;
    });
  }

  async rules(): Promise<StoredRule[]> {
    const rows = await this.db.read((sql) => select(sql, rulesTable, 'ORDER BY id', []));
    // A later version of this program may know more rules.
    return rows.filter(({ id }) => isRuleId(id)).map(toRule);
  }

  /** Stores what `change` makes of the rule, as the next version; undefined when there is no such rule. */
  updateRule(
    id: RuleId,
    change: (rule: StoredRule) => Pick<StoredRule, 'mode' | 'thresholds'>,
  ): Promise<StoredRule | undefined> {
    const raised = { version: () => 'version + 1', updatedAt: this.clock.steady() };
    return this.db.transaction(async (tx) => {
      const rows = rowsOf(tx, rulesTable);
      // First the lock on the row: of two changes at once the second sees what the first has made.
      await rows.update({ id }, raised);
      const row = await rows.findOneBy({ id });
      if (!row) return undefined;
      const next = toRule(row);
      const { mode, thresholds } = change({ ...next, version: next.version - 1 });
      await rows.update({ id }, { mode, thresholds: JSON.stringify(thresholds) });
      return { ...next, mode, thresholds };
    });
  }

  private blocks(where: string, params: readonly Value[]): Promise<BlockRow[]> {
    return this.db.read((sql) => select(sql, blocksTable, where, params));
  }
}

/** Writes blocks that rules have made, never over one that lasts longer; answers what holds for these players then. */
async function raiseBlocks(tx: Sql, blocks: readonly Block[], groupId: number): Promise<Block[]> {
  const fresh = await insertBlocks(tx, blocks, groupId);
  const others = blocks.filter(({ playerId }) => !fresh.has(playerId));
  others.sort((a, b) => (a.playerId < b.playerId ? -1 : 1));
  for (const block of others) await overwriteBlock(tx, block, ' AND blocked_until < ?');
  if (others.length === 0) return [...blocks];
  const list = inList(
    tx.kind,
    others.map(({ playerId }) => playerId),
  );
  const found = await select(tx, blocksTable, `WHERE player_id ${list.text}`, list.params);
  return [...blocks.filter(({ playerId }) => fresh.has(playerId)), ...found];
}

function insertBlocks(tx: Sql, blocks: readonly Block[], groupId: number): Promise<Set<string>> {
  const rows = blocks.map((one) => [
    ...[one.playerId, one.rule, one.reason],
    ...[one.blockedAt, one.blockedUntil, one.changedAt],
  ]);
  return insertNew(tx, { table: blocksTable.name, columns: blockColumns, key: ['player_id'], rows, groupId });
}

async function overwriteBlock(tx: Sql, block: Block, condition: '' | ' AND blocked_until < ?' = ''): Promise<void> {
  const { playerId, rule, reason, blockedAt, blockedUntil, changedAt } = block;
  const text = `UPDATE fairness_blocks SET rule = ?, reason = ?, blocked_at = ?, blocked_until = ?, ${laterChange}
    WHERE player_id = ?${condition}`;
  const params = [rule, reason, blockedAt, blockedUntil, changedAt, changedAt, playerId];
  await tx.run(text, condition === '' ? params : [...params, blockedUntil]);
}

async function blockIn(tx: Sql, playerId: string): Promise<BlockRow> {
  const [block] = await select(tx, blocksTable, 'WHERE player_id = ?', [playerId]);
  if (!block) throw new Error('A block that was just written is not there');
  return block;
}

/** Inserts the flags that are new (one for each rule and event) and answers them. */
async function insertFlags(tx: Sql, flags: readonly Flag[], groupId: number): Promise<Flag[]> {
  const rows = flags.map((flag) => [
    ...[flag.id, flag.rule, flag.eventId, flag.ruleVersion, flag.playerId],
    ...[thousandths(flag.observed), thousandths(flag.threshold), 'open', flag.createdAt],
  ]);
  const into = { table: flagsTable.name, columns: flagColumns, key: ['rule', 'event_id'] };
  const fresh = await insertNew(tx, { ...into, rows, groupId });
  return flags.filter(({ rule, eventId }) => fresh.delete(keyOf([rule, eventId])));
}

/** Evidence is told, not reckoned with: what is beyond the column is the most that it can hold. */
function thousandths(value: number): number {
  return Math.min(Number.MAX_SAFE_INTEGER, Math.round(value * 1000));
}

function toFlag({ groupId: _, ...row }: RowOf<typeof flagsTable>): StoredFlag {
  return { ...row, observed: row.observed / 1000, threshold: row.threshold / 1000 };
}

function toRule(row: RowOf<typeof rulesTable>): StoredRule {
  return { ...row, id: row.id as RuleId, thresholds: JSON.parse(row.thresholds) as StoredRule['thresholds'] };
}
