import { Injectable } from '@nestjs/common';
import { ulid } from 'ulid';
import { inList, insertNew, newGroupId, upsertAdd } from '../../shared/db/bulk';
import type { Database } from '../../shared/db/database';
import { Databases } from '../../shared/db/databases';
import type { Sql, Value } from '../../shared/db/sql';
import { type Window, type WindowKind, windowOf } from './leaderboard.calendar';
import type { Standing } from './leaderboard.standing';
import type { StoredWindow } from './leaderboard.windows.repository';

export type SnapshotKind = 'periodic' | 'final';

/** A board as it was. A final one has every player, and its entries are the window's scores, which change no more. */
export interface StoredSnapshot {
  readonly seq: number;
  readonly id: string;
  readonly window: Window;
  readonly kind: SnapshotKind;
  readonly takenAt: number;
  readonly total: number;
}

/** The first players of a board at one moment; `total`: all of them. */
export interface BoardTop {
  readonly total: number;
  readonly standings: readonly Standing[];
}

export interface SnapshotFilter {
  readonly window?: string | undefined;
  readonly key?: string | undefined;
  readonly kind?: string | undefined;
}

const finalSlot = 0;
const select = `SELECT s.seq, s.id, w.kind AS window_kind, w.window_key, w.starts_at, w.ends_at, s.kind, s.taken_at, s.total
  FROM leaderboard_snapshots AS s JOIN leaderboard_windows AS w ON w.seq = s.window_id`;
const entries = {
  table: 'leaderboard_snapshot_entries',
  columns: { snapshot_id: 'text', place: 'int', player_id: 'text', score: 'int', achieved_at: 'int' },
  key: ['snapshot_id', 'place'],
  add: [],
  set: ['player_id', 'score', 'achieved_at'],
} as const;

/** The tables `leaderboard_snapshots` and `leaderboard_snapshot_entries`, and the end of a window. */
@Injectable()
export class SnapshotsRepository {
  private readonly db: Database;

  constructor(databases: Databases) {
    this.db = databases.of('leaderboard');
  }

  /**
   * Closes the window, unless it changes meanwhile; its scores are its final snapshot from then on. Whether this very
   * call did it.
   */
  async close({ id, revision }: StoredWindow, now: number): Promise<boolean> {
    const counted = 'SELECT COUNT(*) AS total FROM leaderboard_scores WHERE window_id = ?';
    const [row] = await this.db.scan<{ total: number }>(counted, [id]);
    const total = Number(row?.total ?? 0);
    return this.db.transaction(async (tx) => {
      // What was counted is what there is: nothing has been applied since the window was read.
      const text = `UPDATE leaderboard_windows SET state = 'closed', closed_at = ? WHERE seq = ? AND state = 'open' AND revision = ?`;
      if ((await tx.run(text, [now, id, revision])) === 0) return false;
      await insert(tx, { windowId: id, slot: finalSlot, kind: 'final', now, total });
      await tx.run('DELETE FROM leaderboard_changes WHERE window_id = ?', [id]);
      return true;
    });
  }

  /** Keeps the top of a board, once for each `slot`, whoever comes first. Whether this very call did it. */
  async keepPeriodic(windowId: number, slot: number, now: number, top: BoardTop): Promise<boolean> {
    return this.db.transaction(async (tx) => {
      const id = await insert(tx, { windowId, slot, kind: 'periodic', now, total: top.total });
      if (id === undefined) return false;
      const rows = top.standings.map(({ playerId, score, achievedAt }, place): Value[] => [
        id,
        place + 1,
        playerId,
        score,
        achievedAt,
      ]);
      await upsertAdd(tx, { ...entries, rows });
      return true;
    });
  }

  /** Removes up to `limit` periodic snapshots that were taken before an instant, oldest first, and answers how many. */
  async prunePeriodic(before: number, limit: number): Promise<number> {
    const over = `SELECT id FROM leaderboard_snapshots WHERE kind = 'periodic' AND taken_at < ? ORDER BY seq LIMIT ?`;
    return this.db.transaction(
      async (tx) => {
        const rows = await tx.rows<{ id: string }>(over, [before, limit]);
        if (rows.length === 0) return 0;
        const list = inList(rows.map(({ id }) => id).sort());
        await tx.run(`DELETE FROM leaderboard_snapshot_entries WHERE snapshot_id IN ${list.text}`, list.params);
        return tx.run(`DELETE FROM leaderboard_snapshots WHERE id IN ${list.text}`, list.params);
      },
      { priority: 'background' },
    );
  }

  /** Newest first: those before `before` (a seq). */
  async list(filter: SnapshotFilter, before: number, limit: number): Promise<StoredSnapshot[]> {
    const { window, key, kind } = filter;
    const wanted = [
      ['w.kind = ?', window],
      ['w.window_key = ?', key],
      ['s.kind = ?', kind],
    ].filter((one): one is [string, string] => one[1] !== undefined);
    const conditions = ['s.seq < ?', ...wanted.map(([condition]) => condition)];
    const text = `${select} WHERE ${conditions.join(' AND ')} ORDER BY s.seq DESC LIMIT ?`;
    const params = [before, ...wanted.map(([, value]) => value), limit];
    return (await this.db.scan<SnapshotRow>(text, params)).map(toSnapshot);
  }

  /** Players on a window's final snapshot, which are those on its board; undefined when it has none. */
  async finalTotal(windowId: number): Promise<number | undefined> {
    const text = 'SELECT total FROM leaderboard_snapshots WHERE window_id = ? AND slot = ?';
    const [row] = await this.db.read((sql) => sql.rows<{ total: number }>(text, [windowId, finalSlot]));
    return row?.total;
  }

  async find(id: string): Promise<StoredSnapshot | undefined> {
    const rows = await this.db.read((sql) => sql.rows<SnapshotRow>(`${select} WHERE s.id = ?`, [id]));
    return rows[0] && toSnapshot(rows[0]);
  }

  /** Copied entries after a place, in order. */
  async entries(id: string, after: number, limit: number): Promise<Standing[]> {
    const text = `SELECT player_id, score, achieved_at FROM leaderboard_snapshot_entries
      WHERE snapshot_id = ? AND place > ? ORDER BY place LIMIT ?`;
    const rows = await this.db.read((sql) =>
      sql.rows<{ player_id: string; score: number; achieved_at: number }>(text, [id, after, limit]),
    );
    return rows.map((row) => ({ playerId: row.player_id, score: row.score, achievedAt: row.achieved_at }));
  }
}

interface NewSnapshot {
  readonly windowId: number;
  readonly slot: number;
  readonly kind: SnapshotKind;
  readonly now: number;
  readonly total: number;
}

/** The id of the snapshot; undefined when somebody has taken this slot. */
async function insert(tx: Sql, { windowId, slot, kind, now, total }: NewSnapshot): Promise<string | undefined> {
  const id = ulid(now);
  const fresh = await insertNew(tx, {
    table: 'leaderboard_snapshots',
    columns: { id: 'text', window_id: 'int', slot: 'int', kind: 'text', taken_at: 'int', total: 'int' },
    key: ['window_id', 'slot'],
    rows: [[id, windowId, slot, kind, now, total]],
    groupId: newGroupId(),
  });
  return fresh.size === 1 ? id : undefined;
}

interface SnapshotRow {
  readonly seq: number;
  readonly id: string;
  readonly window_kind: WindowKind;
  readonly window_key: string;
  readonly starts_at: number;
  readonly ends_at: number;
  readonly kind: SnapshotKind;
  readonly taken_at: number;
  readonly total: number;
}

function toSnapshot(row: SnapshotRow): StoredSnapshot {
  return {
    seq: row.seq,
    id: row.id,
    window: windowOf(row.window_kind, row.window_key, row.starts_at, row.ends_at),
    kind: row.kind,
    takenAt: row.taken_at,
    total: row.total,
  };
}
