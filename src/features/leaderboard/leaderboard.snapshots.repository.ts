import { randomInt } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { ulid } from 'ulid';
import { insertNew } from '../../shared/db/bulk';
import type { Database } from '../../shared/db/database';
import { Databases } from '../../shared/db/databases';
import type { Sql, Value } from '../../shared/db/sql';
import type { WindowKind } from './leaderboard.calendar';
import type { Standing } from './leaderboard.standing';
import type { StoredWindow } from './leaderboard.windows.repository';

export type SnapshotKind = 'periodic' | 'final';

/** A board as it was. A final one has every player, and its entries are the window's scores, which change no more. */
export interface StoredSnapshot {
  readonly seq: number;
  readonly id: string;
  readonly windowId: number;
  readonly window: WindowKind;
  readonly key: string;
  readonly kind: SnapshotKind;
  readonly takenAt: number;
  readonly total: number;
}

export interface SnapshotFilter {
  readonly window?: string | undefined;
  readonly key?: string | undefined;
  readonly kind?: string | undefined;
}

const finalSlot = 0;
const select = `SELECT s.seq, s.id, s.window_id, w.kind AS window_kind, w.window_key, s.kind, s.taken_at, s.total
  FROM leaderboard_snapshots AS s JOIN leaderboard_windows AS w ON w.seq = s.window_id`;
const top = `SELECT player_id, neg_score, achieved_at FROM leaderboard_scores WHERE window_id = ?
  ORDER BY neg_score, achieved_at, player_id LIMIT ?`;
const entryColumns = {
  snapshot_id: 'text',
  place: 'int',
  player_id: 'text',
  score: 'int',
  achieved_at: 'int',
} as const;

/** The tables `leaderboard_snapshots` and `leaderboard_snapshot_entries`, and the end of a window. */
@Injectable()
export class SnapshotsRepository {
  private readonly db: Database;

  constructor(databases: Databases) {
    this.db = databases.of('leaderboard');
  }

  /** Closes the window, whose scores are its final snapshot from then on. Whether this very call did it. */
  async close(windowId: number, now: number): Promise<boolean> {
    return this.db.transaction(async (tx) => {
      const text = `UPDATE leaderboard_windows SET state = 'closed', closed_at = ? WHERE seq = ? AND state = 'open'`;
      if ((await tx.run(text, [now, windowId])) === 0) return false;
      await take(tx, { windowId, slot: finalSlot, kind: 'final', now });
      return true;
    });
  }

  /** Copies the first `topN` of an open window, once for each `slot`, whoever asks. Whether this very call did it. */
  async takePeriodic(windowId: number, slot: number, topN: number, now: number): Promise<boolean> {
    return this.db.transaction(async (tx) => {
      // The row's lock: what is copied is one moment, and the window cannot close meanwhile.
      const lock = `UPDATE leaderboard_windows SET state = 'open' WHERE seq = ? AND state = 'open'`;
      if ((await tx.run(lock, [windowId])) === 0) return false;
      const id = await take(tx, { windowId, slot, kind: 'periodic', now });
      if (id === undefined) return false;
      const rows = (await tx.rows<ScoreRow>(top, [windowId, topN])).map((row, place): Value[] => [
        id,
        place + 1,
        row.player_id,
        -row.neg_score,
        row.achieved_at,
      ]);
      await tx.insertRows({
        table: 'leaderboard_snapshot_entries',
        columns: entryColumns,
        key: ['snapshot_id', 'place'],
        rows,
      });
      return true;
    });
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
    return (await this.db.read((sql) => sql.rows<SnapshotRow>(text, params))).map(toSnapshot);
  }

  async find(id: string): Promise<StoredSnapshot | undefined> {
    const rows = await this.db.read((sql) => sql.rows<SnapshotRow>(`${select} WHERE s.id = ?`, [id]));
    return rows[0] && toSnapshot(rows[0]);
  }

  /** The final snapshot of a window; undefined while it is open. */
  async finalOf(window: StoredWindow): Promise<StoredSnapshot | undefined> {
    const text = `${select} WHERE s.window_id = ? AND s.slot = ${finalSlot}`;
    const rows = await this.db.read((sql) => sql.rows<SnapshotRow>(text, [window.id]));
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
}

/** The id of the snapshot; undefined when somebody has taken this slot. */
async function take(tx: Sql, { windowId, slot, kind, now }: NewSnapshot): Promise<string | undefined> {
  const counted = 'SELECT COUNT(*) AS total FROM leaderboard_scores WHERE window_id = ?';
  const [row] = await tx.rows<{ total: number }>(counted, [windowId]);
  const id = ulid(now);
  const fresh = await insertNew(tx, {
    table: 'leaderboard_snapshots',
    columns: { id: 'text', window_id: 'int', slot: 'int', kind: 'text', taken_at: 'int', total: 'int' },
    key: ['window_id', 'slot'],
    rows: [[id, windowId, slot, kind, now, Number(row?.total ?? 0)]],
    groupId: randomInt(2 ** 47),
  });
  return fresh.size === 1 ? id : undefined;
}

interface ScoreRow {
  readonly player_id: string;
  readonly neg_score: number;
  readonly achieved_at: number;
}

interface SnapshotRow {
  readonly seq: number;
  readonly id: string;
  readonly window_id: number;
  readonly window_kind: WindowKind;
  readonly window_key: string;
  readonly kind: SnapshotKind;
  readonly taken_at: number;
  readonly total: number;
}

function toSnapshot(row: SnapshotRow): StoredSnapshot {
  return {
    seq: row.seq,
    id: row.id,
    windowId: row.window_id,
    window: row.window_kind,
    key: row.window_key,
    kind: row.kind,
    takenAt: row.taken_at,
    total: row.total,
  };
}
