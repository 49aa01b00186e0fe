import { Injectable } from '@nestjs/common';
import { inList, insertNew, upsertAdd } from '../../shared/db/bulk';
import type { Database } from '../../shared/db/database';
import { Databases } from '../../shared/db/databases';
import type { Sql, Value } from '../../shared/db/sql';
import type { Standing } from './leaderboard.standing';

/** Part of a board with the number of players on it and of those before the part. */
export interface CountedStandings {
  readonly total: number;
  readonly passed: number;
  readonly standings: readonly Standing[];
}

const order = 's.neg_score, s.achieved_at, s.player_id';
const reverse = 's.neg_score DESC, s.achieved_at DESC, s.player_id DESC';
const inWindow = 'FROM leaderboard_scores AS s WHERE s.window_id = ?';

/** Those before (<) or after (>) `key` in the order of a board. The first condition lets the index begin there. */
function beside(sign: '<' | '>', key: { neg: string; at: string; id: string }): string {
  return `s.neg_score ${sign}= ${key.neg} AND (s.neg_score ${sign} ${key.neg} OR s.achieved_at ${sign} ${key.at}
    OR (s.achieved_at = ${key.at} AND s.player_id ${sign} ${key.id}))`;
}

const given = { neg: '?', at: '?', id: '?' };
const mine = { neg: 'me.neg_score', at: 'me.achieved_at', id: 'me.player_id' };
const placed = (standing: Standing): Value[] => [
  -standing.score,
  -standing.score,
  standing.achievedAt,
  standing.achievedAt,
  standing.playerId,
];

/** The tables `leaderboard_scores` and `leaderboard_inbox`. */
@Injectable()
export class ScoresRepository {
  private readonly db: Database;

  constructor(databases: Databases) {
    this.db = databases.of('leaderboard');
  }

  /** Nobody but this process can change anything. */
  get embedded(): boolean {
    return this.db.embedded;
  }

  /** Everything that `work` does is one transaction; it gives way to the intake of events. */
  apply<Result>(groupId: number, work: (step: ApplySteps) => Promise<Result>): Promise<Result> {
    return this.db.transaction((tx) => work(new ApplySteps(tx, groupId)), { priority: 'background' });
  }

  /** The next `limit` players after `after`; from the top without it. */
  async page(windowId: number, after: Standing | undefined, limit: number): Promise<Standing[]> {
    const text = `SELECT s.player_id, s.neg_score, s.achieved_at ${inWindow}
      ${after ? `AND ${beside('>', given)}` : ''} ORDER BY ${order} LIMIT ?`;
    const params = [windowId, ...(after ? placed(after) : []), limit];
    return (await this.db.read((sql) => sql.rows<ScoreRow>(text, params))).map(toStanding);
  }

  /** The same with its counts, all as of one moment. Counting reads every row of the window. */
  async countedPage(windowId: number, after: Standing | undefined, limit: number): Promise<CountedStandings> {
    const past = after ? `AND ${beside('>', given)}` : '';
    // Those that are not behind `after` have been passed.
    const rest = `(SELECT COUNT(*) ${inWindow} ${past})`;
    const key = after ? placed(after) : [];
    const text = `SELECT c.total, c.rest, p.player_id, p.neg_score, p.achieved_at
      FROM (SELECT (SELECT COUNT(*) ${inWindow}) AS total, ${rest} AS rest) AS c
      LEFT JOIN (SELECT s.player_id, s.neg_score, s.achieved_at ${inWindow} ${past} ORDER BY ${order} LIMIT ?) AS p
      ON 1 = 1 ORDER BY p.neg_score, p.achieved_at, p.player_id`;
    const params = [windowId, windowId, ...key, windowId, ...key, limit];
    const rows = await this.db.read((sql) => sql.rows<ScoreRow & { total: number; rest: number }>(text, params));
    const { total = 0, rest: left = 0 } = rows[0] ?? {};
    const standings = rows.filter(({ player_id }) => player_id !== null).map(toStanding);
    return { total, passed: total - left, standings };
  }

  /** One player between up to `each` on both sides; undefined without a score. One statement: one moment. */
  async around(windowId: number, playerId: string, each: number): Promise<CountedStandings | undefined> {
    const side = (sign: '<' | '>', ordered: string) =>
      `SELECT * FROM (SELECT s.player_id, s.neg_score, s.achieved_at FROM me, leaderboard_scores AS s
       WHERE s.window_id = ? AND ${beside(sign, mine)} ORDER BY ${ordered} LIMIT ?) AS x`;
    const text = `WITH me AS (SELECT player_id, neg_score, achieved_at FROM leaderboard_scores WHERE window_id = ? AND player_id = ?)
      SELECT u.player_id, u.neg_score, u.achieved_at,
        (SELECT COUNT(*) ${inWindow}) AS total,
        (SELECT COUNT(*) FROM me, leaderboard_scores AS s WHERE s.window_id = ? AND ${beside('<', mine)}) AS before_me
      FROM (${side('<', reverse)} UNION ALL SELECT player_id, neg_score, achieved_at FROM me UNION ALL ${side('>', order)}) AS u
      ORDER BY u.neg_score, u.achieved_at, u.player_id`;
    const params = [windowId, playerId, windowId, windowId, windowId, each, windowId, each];
    const rows = await this.db.read((sql) => sql.rows<ScoreRow & { total: number; before_me: number }>(text, params));
    const me = rows.findIndex(({ player_id }) => player_id === playerId);
    if (me < 0) return undefined;
    const { total = 0, before_me: before = 0 } = rows[0] ?? {};
    return { total, passed: before - me, standings: rows.map(toStanding) };
  }

  /** These players' standings; those without a score are left out. */
  async of(windowId: number, playerIds: readonly string[]): Promise<Standing[]> {
    return this.db.read((sql) => standingsOf(sql, windowId, playerIds));
  }

  /** The next players by id after `after`, with the revision that changed each last. */
  async byPlayer(
    windowId: number,
    after: string,
    limit: number,
  ): Promise<(Standing & { readonly revision: number })[]> {
    const text = `SELECT player_id, neg_score, achieved_at, revision FROM leaderboard_scores
      WHERE window_id = ? AND player_id > ? ORDER BY player_id LIMIT ?`;
    const rows = await this.db.read((sql) =>
      sql.rows<ScoreRow & { readonly revision: number }>(text, [windowId, after, limit]),
    );
    return rows.map((row) => ({ ...toStanding(row), revision: row.revision }));
  }

  /** What was changed after a revision, at most `limit` rows. */
  async changedSince(windowId: number, revision: number, limit: number): Promise<Standing[]> {
    const text =
      'SELECT player_id, neg_score, achieved_at FROM leaderboard_scores WHERE window_id = ? AND revision > ? LIMIT ?';
    return (await this.db.read((sql) => sql.rows<ScoreRow>(text, [windowId, revision, limit]))).map(toStanding);
  }
}

/** The steps of applying one group, within its transaction. */
export class ApplySteps {
  constructor(
    private readonly tx: Sql,
    private readonly groupId: number,
  ) {}

  /** Puts the ids into the inbox and answers those that were not there. */
  enter(eventIds: readonly string[]): Promise<Set<string>> {
    const rows = eventIds.map((id) => [id]);
    return insertNew(this.tx, {
      table: 'leaderboard_inbox',
      columns: { event_id: 'text' },
      key: ['event_id'],
      rows,
      groupId: this.groupId,
    });
  }

  /** Locks those of these windows that are open and answers their new revisions. No two processes are in here at once. */
  async lock(windowIds: readonly number[]): Promise<Map<number, number>> {
    const open: number[] = [];
    // One by one and in order: that is the order in which the locks are taken.
    for (const id of [...windowIds].sort((a, b) => a - b)) {
      const text = `UPDATE leaderboard_windows SET revision = revision + 1 WHERE seq = ? AND state = 'open'`;
      if ((await this.tx.run(text, [id])) === 1) open.push(id);
    }
    if (open.length === 0) return new Map();
    const list = inList(open);
    const text = `SELECT seq, revision FROM leaderboard_windows WHERE seq IN ${list.text}`;
    const rows = await this.tx.rows<{ seq: number; revision: number }>(text, list.params);
    return new Map(rows.map(({ seq, revision }) => [seq, revision]));
  }

  /** Adds to the scores of one window, takes the later of both times, and answers what they are then. */
  async add(windowId: number, revision: number, deltas: readonly Standing[]): Promise<Standing[]> {
    await upsertAdd(this.tx, {
      table: 'leaderboard_scores',
      columns: { window_id: 'int', player_id: 'text', neg_score: 'int', achieved_at: 'int', revision: 'int' },
      key: ['window_id', 'player_id'],
      rows: deltas.map(({ playerId, score, achievedAt }) => [windowId, playerId, -score, achievedAt, revision]),
      add: ['neg_score'],
      set: ['revision'],
      max: ['achieved_at'],
    });
    return standingsOf(
      this.tx,
      windowId,
      deltas.map(({ playerId }) => playerId),
    );
  }
}

async function standingsOf(sql: Sql, windowId: number, playerIds: readonly string[]): Promise<Standing[]> {
  const list = inList(playerIds);
  const text = `SELECT player_id, neg_score, achieved_at FROM leaderboard_scores WHERE window_id = ? AND player_id IN ${list.text}`;
  return (await sql.rows<ScoreRow>(text, [windowId, ...list.params])).map(toStanding);
}

interface ScoreRow {
  readonly player_id: string;
  readonly neg_score: number;
  readonly achieved_at: number;
}

function toStanding({ player_id, neg_score, achieved_at }: ScoreRow): Standing {
  return { playerId: player_id, score: -neg_score, achievedAt: achieved_at };
}
