import { Injectable } from '@nestjs/common';
import { In, LessThan } from 'typeorm';
import { ulid } from 'ulid';
import { upsertAdd } from '../../shared/db/bulk';
import type { Database } from '../../shared/db/database';
import { Databases } from '../../shared/db/databases';
import { isUniqueViolation } from '../../shared/db/db.errors';
import { insertRow, rowsOf, select } from '../../shared/db/entity';
import type { Sql } from '../../shared/db/sql';
import type { WindowKind } from './leaderboard.calendar';
import { changesTable, snapshotEntriesTable, snapshotsTable, windowsTable } from './leaderboard.entity';
import type { PlayerScore } from './leaderboard.ranking';
import { finalSlot, type StoredWindow } from './leaderboard.repository';

/** A board as it was. A final one has every player, and its entries are the window's scores, which change no more. */
export interface StoredSnapshot {
  readonly seq: number;
  readonly id: string;
  readonly window: WindowKind;
  readonly key: string;
  readonly kind: 'periodic' | 'final';
  readonly takenAt: number;
  readonly total: number;
}

/** The first players of a board at one moment; `total`: all of them. */
export interface BoardTop {
  readonly total: number;
  readonly scores: readonly PlayerScore[];
}

export interface SnapshotFilter {
  readonly window?: string | undefined;
  readonly key?: string | undefined;
  readonly kind?: string | undefined;
}

const withWindow = `SELECT s.seq, s.id, w.kind AS "window", w.window_key AS "key", s.kind, s.taken_at AS "takenAt", s.total
  FROM leaderboard_snapshots AS s JOIN leaderboard_windows AS w ON w.seq = s.window_id`;

/**
 * Snapshots of boards, and the end of a window. SQL where a snapshot is read with the name of its window, where very many
 * scores are counted, and for the entries, up to 10,000 in one statement.
 */
@Injectable()
export class SnapshotsRepository {
  private readonly db: Database;

  constructor(databases: Databases) {
    this.db = databases.of('leaderboard');
  }

  /**
   * Closes the window, unless it changes meanwhile; its scores are its final snapshot from then on. True when this
   * very call did it.
   */
  async close({ id, revision }: StoredWindow, now: number): Promise<boolean> {
    const counted = 'SELECT COUNT(*) AS total FROM leaderboard_scores WHERE window_id = ?';
    const [row] = await this.db.scan<{ total: number }>(counted, [id]);
    const total = Number(row?.total ?? 0);
    return this.db.transaction(async (tx) => {
      // The revision is the one that was read, so nothing has been applied since the scores were counted.
      const where = { seq: id, state: 'open', revision } as const;
      const closed = await rowsOf(tx, windowsTable).update(where, { state: 'closed', closedAt: now });
      if (closed.affected !== 1) return false;
      await insert(tx, { windowId: id, slot: finalSlot, kind: 'final', takenAt: now, total });
      await rowsOf(tx, changesTable).delete({ windowId: id });
      return true;
    });
  }

  /** Keeps the top of a board, once for each `slot`, whoever comes first. True when this very call did it. */
  async keepPeriodic(windowId: number, slot: number, now: number, { total, scores }: BoardTop): Promise<boolean> {
    try {
      await this.db.transaction(async (tx) => {
        const id = await insert(tx, { windowId, slot, kind: 'periodic', takenAt: now, total });
        await upsertAdd(tx, {
          table: 'leaderboard_snapshot_entries',
          columns: { snapshot_id: 'text', place: 'int', player_id: 'text', score: 'int', achieved_at: 'int' },
          key: ['snapshot_id', 'place'],
          rows: scores.map(({ playerId, score, achievedAt }, i) => [id, i + 1, playerId, score, achievedAt]),
          add: [],
          set: ['player_id', 'score', 'achieved_at'],
        });
      });
      return true;
    } catch (error) {
      if (isUniqueViolation(error)) return false;
      throw error;
    }
  }

  /** Removes up to `limit` periodic snapshots that were taken before an instant, oldest first, and returns how many. */
  async prunePeriodic(before: number, limit: number): Promise<number> {
    const where = { kind: 'periodic', takenAt: LessThan(before) } as const;
    return this.db.transaction(
      async (tx) => {
        const snapshots = rowsOf(tx, snapshotsTable);
        const over = await snapshots.find({ select: { id: true }, where, order: { seq: 'ASC' }, take: limit });
        if (over.length === 0) return 0;
        const ids = over.map(({ id }) => id).sort();
        await rowsOf(tx, snapshotEntriesTable).delete({ snapshotId: In(ids) });
        return (await snapshots.delete({ id: In(ids) })).affected ?? 0;
      },
      { priority: 'background' },
    );
  }

  /** Newest first: those before `before` (a seq). */
  list({ window, key, kind }: SnapshotFilter, before: number, limit: number): Promise<StoredSnapshot[]> {
    const wanted = Object.entries({ 'w.kind': window, 'w.window_key': key, 's.kind': kind }).filter(
      (one): one is [string, string] => one[1] !== undefined,
    );
    const conditions = ['s.seq < ?', ...wanted.map(([column]) => `${column} = ?`)];
    const text = `${withWindow} WHERE ${conditions.join(' AND ')} ORDER BY s.seq DESC LIMIT ?`;
    return this.db.scan(text, [before, ...wanted.map(([, value]) => value), limit]);
  }

  async find(id: string): Promise<StoredSnapshot | undefined> {
    return (await this.db.read((sql) => sql.rows<StoredSnapshot>(`${withWindow} WHERE s.id = ?`, [id])))[0];
  }

  /** Copied entries after a place, in order. */
  entries(id: string, after: number, limit: number): Promise<PlayerScore[]> {
    const rest = 'WHERE snapshot_id = ? AND place > ? ORDER BY place LIMIT ?';
    return this.db.read((sql) => select(sql, snapshotEntriesTable, rest, [id, after, limit]));
  }
}

interface NewSnapshot {
  readonly windowId: number;
  readonly slot: number;
  readonly kind: 'periodic' | 'final';
  readonly takenAt: number;
  readonly total: number;
}

/** The id of the snapshot. Where somebody has taken this slot, the unique index refuses it. */
async function insert(tx: Sql, snapshot: NewSnapshot): Promise<string> {
  const id = ulid(snapshot.takenAt);
  await insertRow(tx, snapshotsTable, { ...snapshot, id, groupId: 0 });
  return id;
}
