import { Injectable } from '@nestjs/common';
import { Clock } from '../../shared/clock/clock';
import { inList, insertNew, newGroupId } from '../../shared/db/bulk';
import type { Database, Sql, Value } from '../../shared/db/database';
import { Databases } from '../../shared/db/databases';
import { Idempotency, type KeyedRequest } from '../../shared/idempotency/idempotency';
import type { IdempotencyRepository, Once } from '../../shared/idempotency/idempotency.repository';
import type { Block } from './fairness.findings';

const columns = {
  player_id: 'text',
  rule: 'text',
  reason: 'text',
  blocked_at: 'int',
  blocked_until: 'int',
  changed_at: 'int',
} as const;
const selectBlock = 'SELECT seq, player_id, rule, reason, blocked_at, blocked_until, changed_at FROM fairness_blocks';

/** A block with its place in the table. */
export interface PlacedBlock {
  readonly seq: number;
  readonly block: Block;
}

/** The table `fairness_blocks`: one row for each player who was blocked lately. */
@Injectable()
export class BlocksRepository {
  private readonly db: Database;
  private readonly keys: IdempotencyRepository;

  constructor(
    databases: Databases,
    private readonly clock: Clock,
    private readonly idempotency: Idempotency,
  ) {
    this.db = databases.of('fairness');
    this.keys = idempotency.keysIn(this.db, 'fairness_idempotency');
  }

  /** Blocks that hold now, in the order of their places. */
  active(afterSeq: number, limit: number): Promise<PlacedBlock[]> {
    const text = `${selectBlock} WHERE seq > ? AND blocked_until > ? ORDER BY seq LIMIT ?`;
    return this.select(text, [afterSeq, this.clock.steady(), limit]);
  }

  /** Blocks that were changed after this moment and place, also those that have ended. */
  changed(after: { readonly at: number; readonly seq: number }, limit: number): Promise<PlacedBlock[]> {
    const text = `${selectBlock} WHERE changed_at > ? OR (changed_at = ? AND seq > ?) ORDER BY changed_at, seq LIMIT ?`;
    return this.select(text, [after.at, after.at, after.seq, limit]);
  }

  /** The blocks that these players have now; at most 16,000 players. */
  async of(playerIds: readonly string[]): Promise<Block[]> {
    const list = inList(playerIds);
    const text = `${selectBlock} WHERE player_id IN ${list.text} AND blocked_until > ?`;
    return (await this.select(text, [...list.params, this.clock.steady()])).map(({ block }) => block);
  }

  /** Blocks that hold now, by player id. */
  async list(afterPlayerId: string, limit: number): Promise<Block[]> {
    const text = `${selectBlock} WHERE player_id > ? AND blocked_until > ? ORDER BY player_id LIMIT ?`;
    return (await this.select(text, [afterPlayerId, this.clock.steady(), limit])).map(({ block }) => block);
  }

  /**
   * Puts the block in the place of the one that the player may have, and keeps with it what will be answered, should
   * the call come again with the same Idempotency-Key: then that is what this answers, and nothing is done.
   */
  replace<Kept extends object>(
    block: Block,
    call: KeyedRequest,
    kept: (block: Block) => Kept,
  ): Promise<Once<{ readonly block: Block; readonly kept: Kept }>> {
    const once = this.idempotency.callOf('FairnessService.BlockPlayer', call);
    return this.db.transaction((tx) =>
      this.keys.once(tx, once, async () => {
        const fresh = await insert(tx, [block], newGroupId());
        if (fresh.size === 0) await overwrite(tx, block);
        const written = only(await find(tx, [block.playerId]));
        return { block: written, kept: kept(written) };
      }),
    );
  }

  /** Ends the player's block now; undefined when there is none. */
  end(playerId: string): Promise<Block | undefined> {
    const now = this.clock.steady();
    return this.db.transaction(async (tx) => {
      const ended = await tx.run(
        `UPDATE fairness_blocks SET blocked_until = ?, ${laterChange} WHERE player_id = ? AND blocked_until > ?`,
        [now, now, now, playerId, now],
      );
      return ended === 0 ? undefined : only(await find(tx, [playerId]));
    });
  }

  /** Removes up to `limit` rows of blocks that ended before `until`, and answers how many. */
  prune(until: number, limit: number): Promise<number> {
    return this.db.transaction(
      async (tx) => {
        const text = 'SELECT seq FROM fairness_blocks WHERE blocked_until < ? ORDER BY blocked_until LIMIT ?';
        const over = await tx.rows<{ seq: number }>(text, [until, limit]);
        if (over.length === 0) return 0;
        const list = inList(over.map(({ seq }) => seq).sort((a, b) => a - b));
        // The condition is checked again under the row's lock: the player may be blocked anew by now.
        return tx.run(`DELETE FROM fairness_blocks WHERE seq IN ${list.text} AND blocked_until < ?`, [
          ...list.params,
          until,
        ]);
      },
      { priority: 'background' },
    );
  }

  private async select(text: string, params: readonly Value[]): Promise<PlacedBlock[]> {
    return (await this.db.read((sql) => sql.rows<BlockRow>(text, params))).map(toPlaced);
  }
}

// Grows with every change of a row even where clocks differ, so that of two versions all processes keep the same one.
const laterChange = 'changed_at = CASE WHEN changed_at >= ? THEN changed_at + 1 ELSE ? END';

/** Writes blocks that rules have made, never over one that lasts longer; answers what holds for these players then. */
export async function raiseBlocks(tx: Sql, blocks: readonly Block[], groupId: number): Promise<Block[]> {
  const fresh = await insert(tx, blocks, groupId);
  const others = blocks.filter(({ playerId }) => !fresh.has(playerId));
  others.sort((a, b) => (a.playerId < b.playerId ? -1 : 1));
  for (const block of others) await overwrite(tx, block, ' AND blocked_until < ?');
  if (others.length === 0) return [...blocks];
  const found = await find(
    tx,
    others.map(({ playerId }) => playerId),
  );
  return [...blocks.filter(({ playerId }) => fresh.has(playerId)), ...found];
}

function insert(tx: Sql, blocks: readonly Block[], groupId: number): Promise<Set<string>> {
  const rows = blocks.map(({ playerId, rule, reason, blockedAt, blockedUntil, changedAt }) => [
    playerId,
    rule,
    reason,
    blockedAt,
    blockedUntil,
    changedAt,
  ]);
  return insertNew(tx, { table: 'fairness_blocks', columns, key: ['player_id'], rows, groupId });
}

async function overwrite(tx: Sql, block: Block, condition: '' | ' AND blocked_until < ?' = ''): Promise<void> {
  const { playerId, rule, reason, blockedAt, blockedUntil, changedAt } = block;
  await tx.run(
    `UPDATE fairness_blocks SET rule = ?, reason = ?, blocked_at = ?, blocked_until = ?, ${laterChange}
     WHERE player_id = ?${condition}`,
    [
      ...[rule, reason, blockedAt, blockedUntil, changedAt, changedAt, playerId],
      ...(condition === '' ? [] : [blockedUntil]),
    ],
  );
}

async function find(tx: Sql, playerIds: readonly string[]): Promise<Block[]> {
  const list = inList(playerIds);
  const rows = await tx.rows<BlockRow>(`${selectBlock} WHERE player_id IN ${list.text}`, list.params);
  return rows.map((row) => toPlaced(row).block);
}

function only(blocks: readonly Block[]): Block {
  const [block] = blocks;
  if (!block) throw new Error('A block that was just written is not there');
  return block;
}

interface BlockRow {
  readonly seq: number;
  readonly player_id: string;
  readonly rule: string;
  readonly reason: string;
  readonly blocked_at: number;
  readonly blocked_until: number;
  readonly changed_at: number;
}

function toPlaced(row: BlockRow): PlacedBlock {
  return {
    seq: row.seq,
    block: {
      playerId: row.player_id,
      rule: row.rule,
      reason: row.reason,
      blockedAt: row.blocked_at,
      blockedUntil: row.blocked_until,
      changedAt: row.changed_at,
    },
  };
}
