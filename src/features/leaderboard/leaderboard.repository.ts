import { Injectable } from '@nestjs/common';
import { LessThanOrEqual } from 'typeorm';
import { inList, upsertAdd } from '../../shared/db/bulk';
import type { Database } from '../../shared/db/database';
import { Databases } from '../../shared/db/databases';
import { isUniqueViolation } from '../../shared/db/db.errors';
import type { Lane } from '../../shared/db/dialect';
import { insertRow, rowsOf, select, selectOne } from '../../shared/db/entity';
import type { ReadBack, Sql, Value } from '../../shared/db/sql';
import type { Numbered } from '../../shared/log/place';
import { type Passed, PlaceRepository, type Source } from '../../shared/log/place.repository';
import { type Window, type WindowKind, windowOf } from './leaderboard.calendar';
import { changesTable, snapshotsTable, type WindowRow, windowsTable } from './leaderboard.entity';
import type { PlayerScore } from './leaderboard.ranking';

/** A window that has a board. `revision` grows with every group of events that was applied to it. */
export interface StoredWindow extends Window {
  readonly id: number;
  readonly state: 'open' | 'closed';
  readonly revision: number;
}

/** Part of a board with the number of players on it and of those before the part. */
export interface CountedScores {
  readonly total: number;
  readonly passed: number;
  readonly scores: readonly PlayerScore[];
}

/** The scores that one revision of a window has changed. */
export interface Change {
  readonly revision: number;
  readonly scores: readonly PlayerScore[];
}

/** What a group of events adds to the scores of one window, by the revision that it makes. */
export interface WindowScores extends Change {
  readonly windowId: number;
}

type StoredScore = PlayerScore & { readonly windowId: number; readonly revision: number };

/** The slot of a window's final snapshot. */
export const finalSlot = 0;

// So few rows are not worth a thread.
const maxReadHere = 1000;

const order = 's.score DESC, s.achieved_at, s.player_id';
const reverse = 's.score, s.achieved_at DESC, s.player_id DESC';
const inWindow = 'FROM leaderboard_scores AS s WHERE s.window_id = ?';
const scoreOf = (alias: string): string =>
  `${alias}.player_id AS "playerId", ${alias}.score, ${alias}.achieved_at AS "achievedAt"`;

const storedScore = 'window_id AS "windowId", revision, player_id AS "playerId", score, achieved_at AS "achievedAt"';

/** A condition for the scores on one side of `key` in the order of a board. */
function beside(side: 'before' | 'after', key: { score: string; at: string; id: string }): string {
  const [more, less] = side === 'before' ? ['>', '<'] : ['<', '>'];
  return `(s.score ${more} ${key.score} OR (s.score = ${key.score} AND (s.achieved_at ${less} ${key.at}
    OR (s.achieved_at = ${key.at} AND s.player_id ${less} ${key.id}))))`;
}

const mine = { score: 'me.score', at: 'me.achieved_at', id: 'me.player_id' };

/** A condition for the scores after one, and its parameters; without one it is empty. */
function past(after: PlayerScore | undefined): { readonly text: string; readonly params: readonly Value[] } {
  if (!after) return { text: '', params: [] };
  const { score, achievedAt, playerId } = after;
  const text = `AND ${beside('after', { score: '?', at: '?', id: '?' })}`;
  return { text, params: [score, score, achievedAt, achievedAt, playerId] };
}

/**
 * Windows and their scores. Scores are written in groups and read in the order of a board, by statements that were
 * measured and sorted for it, so they are written here as SQL.
 */
@Injectable()
export class LeaderboardRepository {
  readonly places: PlaceRepository;
  private readonly db: Database;

  constructor(databases: Databases) {
    this.db = databases.of('leaderboard');
    this.places = new PlaceRepository(this.db, 'leaderboard');
  }

  /** True when no other process can change anything. */
  get embedded(): boolean {
    return this.db.embedded;
  }

  /** The window with its row, which is made if there is none. */
  async ensureWindow(window: Window): Promise<StoredWindow> {
    const { kind, key: windowKey, startsAt, endsAt } = window;
    const times = { startsAt, endsAt, closedAt: null };
    try {
      await this.db.transaction((tx) =>
        insertRow(tx, windowsTable, {
          kind,
          windowKey,
          ...times,
          state: 'open',
          revision: 0,
          closedAt: null,
          groupId: 0,
        }),
      );
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
    }
    const stored = await this.findWindow(kind, windowKey);
    if (!stored) throw new Error(`The window ${window.name} was made and is not there`);
    return stored;
  }

  async findWindow(kind: WindowKind, key: string): Promise<StoredWindow | undefined> {
    const rest = 'WHERE kind = ? AND window_key = ?';
    const row = await this.db.read((sql) => selectOne(sql, windowsTable, rest, [kind, key]));
    return row && toWindow(row);
  }

  /** Gives an open window other ends; false when it has been closed. */
  async moveWindow({ id }: StoredWindow, { startsAt, endsAt }: Window): Promise<boolean> {
    const where = { seq: id, state: 'open' } as const;
    return this.db.transaction(
      async (tx) => (await rowsOf(tx, windowsTable).update(where, { startsAt, endsAt })).affected === 1,
    );
  }

  /** Open windows, ordered by end time, earliest first. */
  async openWindows(): Promise<StoredWindow[]> {
    const rest = `WHERE state = 'open' ORDER BY ends_at, seq`;
    return (await this.db.read((sql) => select(sql, windowsTable, rest, []))).map(toWindow);
  }

  /** Players on a window's final snapshot, which are those on its board; undefined when it has none. */
  async finalTotal(windowId: number): Promise<number | undefined> {
    const rest = 'WHERE window_id = ? AND slot = ?';
    return (await this.db.read((sql) => select(sql, snapshotsTable, rest, [windowId, finalSlot])))[0]?.total;
  }

  /** As `PlaceRepository.pass`. */
  apply<Event extends Numbered, Effect>(
    events: readonly Event[],
    source: Source,
    effect: (step: ScoringSteps, fresh: readonly Event[]) => Promise<Effect>,
  ): Promise<Passed<Effect>> {
    return this.places.pass(events, source, (tx, fresh) => effect(new ScoringSteps(tx), fresh));
  }

  /** The next `limit` players after `after`, from the top without it, and the counts, all as of one moment. */
  async page(
    windowId: number,
    after: PlayerScore | undefined,
    limit: number,
    lane: Lane = 'questions',
  ): Promise<CountedScores> {
    const { text: rest, params: key } = past(after);
    const text = `SELECT c.total, c.rest, ${scoreOf('p')}
      FROM (SELECT (SELECT COUNT(*) ${inWindow}) AS total, (SELECT COUNT(*) ${inWindow} ${rest}) AS rest) AS c
      LEFT JOIN (SELECT s.player_id, s.score, s.achieved_at ${inWindow} ${rest} ORDER BY ${order} LIMIT ?) AS p
      ON 1 = 1 ORDER BY p.score DESC, p.achieved_at, p.player_id`;
    const params = [windowId, windowId, ...key, windowId, ...key, limit];
    const rows = await this.db.scan<PlayerScore & { total: number; rest: number }>(text, params, lane);
    const { total = 0, rest: left = 0 } = rows[0] ?? {};
    // Without a player there is still the row of the counts.
    return { total, passed: total - left, scores: rows.filter(({ playerId }) => playerId !== null).map(toScore) };
  }

  /** The same of a window that is closed, where nothing needs to be counted. */
  closedPage(windowId: number, after: PlayerScore | undefined, limit: number): Promise<PlayerScore[]> {
    const { text: rest, params: key } = past(after);
    const text = `SELECT ${scoreOf('s')} ${inWindow} ${rest} ORDER BY ${order} LIMIT ?`;
    return this.db.scan<PlayerScore>(text, [windowId, ...key, limit]);
  }

  /**
   * One player between up to `each` on both sides; undefined without a score. It is one statement, so all is as of one
   * moment. `known` is the board's total, where it need not be counted.
   */
  async around(windowId: number, playerId: string, each: number, known?: number): Promise<CountedScores | undefined> {
    const side = (where: 'before' | 'after', ordered: string): string =>
      `SELECT * FROM (SELECT s.player_id, s.score, s.achieved_at FROM me, leaderboard_scores AS s
       WHERE s.window_id = ? AND ${beside(where, mine)} ORDER BY ${ordered} LIMIT ?) AS x`;
    const text = `WITH me AS (SELECT player_id, score, achieved_at FROM leaderboard_scores WHERE window_id = ? AND player_id = ?)
      SELECT ${scoreOf('u')}, ${known === undefined ? `(SELECT COUNT(*) ${inWindow})` : '0'} AS total,
        (SELECT COUNT(*) FROM me, leaderboard_scores AS s WHERE s.window_id = ? AND ${beside('before', mine)}) AS better
      FROM (${side('before', reverse)} UNION ALL SELECT player_id, score, achieved_at FROM me UNION ALL ${side('after', order)}) AS u
      ORDER BY u.score DESC, u.achieved_at, u.player_id`;
    const counted = known === undefined ? [windowId] : [];
    const params = [windowId, playerId, ...counted, windowId, windowId, each, windowId, each];
    const rows = await this.db.scan<PlayerScore & { total: number; better: number }>(text, params);
    const me = rows.findIndex((row) => row.playerId === playerId);
    if (me < 0) return undefined;
    const { total = 0, better = 0 } = rows[0] ?? {};
    return { total: known ?? total, passed: better - me, scores: rows.map(toScore) };
  }

  /** These players' scores; those without one are left out. */
  of(windowId: number, playerIds: readonly string[]): Promise<PlayerScore[]> {
    return this.db.read((sql) => scoresOf(sql, windowId, playerIds));
  }

  /** The next players by id after `after`, with the revision that changed each last. */
  byPlayer(windowId: number, after: string, limit: number): Promise<(PlayerScore & { readonly revision: number })[]> {
    const text = `SELECT ${scoreOf('s')}, s.revision ${inWindow} AND s.player_id > ? ORDER BY s.player_id LIMIT ?`;
    const params = [windowId, after, limit];
    return limit > maxReadHere ? this.db.scan(text, params, 'loading') : this.db.read((sql) => sql.rows(text, params));
  }

  /** The changes after a revision, in order, at most `limit` of them. Old changes are not kept. */
  async changesAfter(windowId: number, revision: number, limit: number): Promise<Change[]> {
    const rest = 'WHERE window_id = ? AND revision > ? ORDER BY revision LIMIT ?';
    const rows = await this.db.read((sql) => select(sql, changesTable, rest, [windowId, revision, limit]));
    return rows.map((row) => ({ revision: row.revision, scores: JSON.parse(row.standings) as PlayerScore[] }));
  }

  /** Forgets the changes of a window up to a revision. */
  async forgetChanges(windowId: number, revision: number): Promise<void> {
    const where = { windowId, revision: LessThanOrEqual(revision) };
    await this.db.transaction((tx) => rowsOf(tx, changesTable).delete(where), { priority: 'background' });
  }
}

/** The steps of applying one group, within its transaction. */
export class ScoringSteps {
  constructor(private readonly tx: Sql) {}

  /** Locks those of these windows that are open and returns their new revisions. No two processes are in here at once. */
  async lock(windowIds: readonly number[]): Promise<Map<number, number>> {
    if (windowIds.length === 0) return new Map();
    const { text: list, params } = inList(this.tx.kind, windowIds);
    const change = `UPDATE leaderboard_windows SET revision = revision + 1 WHERE seq ${list} AND state = 'open'`;
    if (this.tx.kind !== 'mysql') return revisionsOf(await this.tx.rows(`${change} RETURNING seq, revision`, params));
    await this.tx.post(change, params);
    const text = `SELECT seq, revision FROM leaderboard_windows WHERE seq ${list} AND state = 'open'`;
    return revisionsOf(await this.tx.rows(text, params));
  }

  /** Adds to the scores of these windows, takes the later of both times, and returns what they are then, by window. */
  async add(deltas: readonly WindowScores[]): Promise<Map<number, Change>> {
    const upsert = {
      table: 'leaderboard_scores',
      columns: { window_id: 'int', player_id: 'text', score: 'int', achieved_at: 'int', revision: 'int' },
      key: ['window_id', 'player_id'],
      rows: deltas.flatMap(({ windowId, revision, scores }) =>
        scores.map(({ playerId, score, achievedAt }) => [windowId, playerId, score, achievedAt, revision]),
      ),
      add: ['score'],
      set: ['revision'],
      max: ['achieved_at'],
    } as const;
    const stored = await upsertAdd<StoredScore>(this.tx, upsert, this.readBack(deltas));
    const changes = new Map<number, Change>();
    for (const { windowId, revision } of deltas) {
      // Where they had to be read back, scores of these players that stay as they are may be among them.
      const scores = stored.filter((score) => score.windowId === windowId && score.revision === revision);
      changes.set(windowId, { revision, scores: scores.map(toScore) });
    }
    return changes;
  }

  private readBack(deltas: readonly WindowScores[]): ReadBack {
    const playerIds = new Set(deltas.flatMap(({ scores }) => scores.map(({ playerId }) => playerId)));
    const windowIds = deltas.map(({ windowId }) => windowId);
    const [windows, players] = [inList(this.tx.kind, windowIds), inList(this.tx.kind, [...playerIds])];
    const rest = `WHERE window_id ${windows.text} AND player_id ${players.text}`;
    return { list: storedScore, rest, params: [...windows.params, ...players.params] };
  }

  /** Tells other processes. */
  async announce(changes: ReadonlyMap<number, Change>): Promise<void> {
    const rows = [...changes].map(([windowId, { revision, scores }]) => [windowId, revision, JSON.stringify(scores)]);
    if (rows.length === 0) return;
    const values = rows.map(() => '(?, ?, ?)').join(', ');
    await this.tx.post(
      `INSERT INTO leaderboard_changes (window_id, revision, standings) VALUES ${values}`,
      rows.flat(),
    );
  }
}

function revisionsOf(rows: readonly { seq: number; revision: number }[]): Map<number, number> {
  return new Map(rows.map(({ seq, revision }) => [seq, revision]));
}

function scoresOf(sql: Sql, windowId: number, playerIds: readonly string[]): Promise<PlayerScore[]> {
  const list = inList(sql.kind, playerIds);
  return sql.rows(`SELECT ${scoreOf('s')} ${inWindow} AND s.player_id ${list.text}`, [windowId, ...list.params]);
}

function toScore({ playerId, score, achievedAt }: PlayerScore): PlayerScore {
  return { playerId, score, achievedAt };
}

function toWindow({ seq, kind, windowKey, startsAt, endsAt, state, revision }: WindowRow): StoredWindow {
  return { ...windowOf(kind, windowKey, startsAt, endsAt), id: seq, state, revision };
}
