import { Injectable } from '@nestjs/common';
import { inList, upsertAdd } from '../../shared/db/bulk';
import type { Database } from '../../shared/db/database';
import { Databases } from '../../shared/db/databases';
import type { Lane } from '../../shared/db/dialect';
import { enterInbox } from '../../shared/db/inbox';
import type { Sql, Value } from '../../shared/db/sql';
import type { Standing } from './leaderboard.standing';

/** Part of a board with the number of players on it and of those before the part. */
export interface CountedStandings {
  readonly total: number;
  readonly passed: number;
  readonly standings: readonly Standing[];
}

/** What one revision of a window has changed. */
export interface Change {
  readonly revision: number;
  readonly standings: readonly Standing[];
}

// So few rows are not worth a thread.
const maxReadHere = 1000;

const order = 's.score DESC, s.achieved_at, s.player_id';
const reverse = 's.score, s.achieved_at DESC, s.player_id DESC';
const inWindow = 'FROM leaderboard_scores AS s WHERE s.window_id = ?';

/** Those on one side of `key` in the order of a board. */
function beside(side: 'before' | 'after', key: { score: string; at: string; id: string }): string {
  const [more, less] = side === 'before' ? ['>', '<'] : ['<', '>'];
  return `(s.score ${more} ${key.score} OR (s.score = ${key.score} AND (s.achieved_at ${less} ${key.at}
    OR (s.achieved_at = ${key.at} AND s.player_id ${less} ${key.id}))))`;
}

const given = { score: '?', at: '?', id: '?' };
const mine = { score: 'me.score', at: 'me.achieved_at', id: 'me.player_id' };
const placed = ({ score, achievedAt, playerId }: Standing): Value[] => [score, score, achievedAt, achievedAt, playerId];

/** The tables `leaderboard_scores`, `leaderboard_changes` and `leaderboard_inbox`. What is in order here was sorted for it. */
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

  /** The next `limit` players after `after`, from the top without it, and the counts, all as of one moment. */
  async page(
    windowId: number,
    after: Standing | undefined,
    limit: number,
    lane: Lane = 'questions',
  ): Promise<CountedStandings> {
    const past = after ? `AND ${beside('after', given)}` : '';
    const key = after ? placed(after) : [];
    const text = `SELECT c.total, c.rest, p.player_id, p.score, p.achieved_at
      FROM (SELECT (SELECT COUNT(*) ${inWindow}) AS total, (SELECT COUNT(*) ${inWindow} ${past}) AS rest) AS c
      LEFT JOIN (SELECT s.player_id, s.score, s.achieved_at ${inWindow} ${past} ORDER BY ${order} LIMIT ?) AS p
      ON 1 = 1 ORDER BY p.score DESC, p.achieved_at, p.player_id`;
    const params = [windowId, windowId, ...key, windowId, ...key, limit];
    const rows = await this.db.scan<ScoreRow & { total: number; rest: number }>(text, params, lane);
    const { total = 0, rest = 0 } = rows[0] ?? {};
    const standings = rows.filter(({ player_id }) => player_id !== null).map(toStanding);
    return { total, passed: total - rest, standings };
  }

  /** The same of a window that is closed, where nothing needs to be counted. */
  async closedPage(windowId: number, after: Standing | undefined, limit: number): Promise<Standing[]> {
    const past = after ? `AND ${beside('after', given)}` : '';
    const text = `SELECT s.player_id, s.score, s.achieved_at ${inWindow} ${past} ORDER BY ${order} LIMIT ?`;
    const params = [windowId, ...(after ? placed(after) : []), limit];
    return (await this.db.scan<ScoreRow>(text, params)).map(toStanding);
  }

  /**
   * One player between up to `each` on both sides; undefined without a score. One statement: one moment. `known`: the
   * board's total, where that needs not be counted.
   */
  async around(
    windowId: number,
    playerId: string,
    each: number,
    known?: number,
  ): Promise<CountedStandings | undefined> {
    const side = (where: 'before' | 'after', ordered: string): string =>
      `SELECT * FROM (SELECT s.player_id, s.score, s.achieved_at FROM me, leaderboard_scores AS s
       WHERE s.window_id = ? AND ${beside(where, mine)} ORDER BY ${ordered} LIMIT ?) AS x`;
    const text = `WITH me AS (SELECT player_id, score, achieved_at FROM leaderboard_scores WHERE window_id = ? AND player_id = ?)
      SELECT u.player_id, u.score, u.achieved_at,
        ${known === undefined ? `(SELECT COUNT(*) ${inWindow})` : '0'} AS total,
        (SELECT COUNT(*) FROM me, leaderboard_scores AS s WHERE s.window_id = ? AND ${beside('before', mine)}) AS before_me
      FROM (${side('before', reverse)} UNION ALL SELECT player_id, score, achieved_at FROM me UNION ALL ${side('after', order)}) AS u
      ORDER BY u.score DESC, u.achieved_at, u.player_id`;
    const params = [
      windowId,
      playerId,
      ...(known === undefined ? [windowId] : []),
      windowId,
      windowId,
      each,
      windowId,
      each,
    ];
    const rows = await this.db.scan<ScoreRow & { total: number; before_me: number }>(text, params);
    const me = rows.findIndex(({ player_id }) => player_id === playerId);
    if (me < 0) return undefined;
    const { total = 0, before_me: before = 0 } = rows[0] ?? {};
    return { total: known ?? total, passed: before - me, standings: rows.map(toStanding) };
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
    const text = `SELECT player_id, score, achieved_at, revision FROM leaderboard_scores
      WHERE window_id = ? AND player_id > ? ORDER BY player_id LIMIT ?`;
    type Row = ScoreRow & { readonly revision: number };
    const params = [windowId, after, limit];
    const rows = await (limit > maxReadHere
      ? this.db.scan<Row>(text, params, 'loading')
      : this.db.read((sql) => sql.rows<Row>(text, params)));
    // One object a row: a start reads millions of them.
    return rows.map(({ player_id: playerId, score, achieved_at: achievedAt, revision }) => ({
      playerId,
      score,
      achievedAt,
      revision,
    }));
  }

  /** What came after a revision, in order, at most `limit` of it. Old changes are not kept. */
  async changesAfter(windowId: number, revision: number, limit: number): Promise<Change[]> {
    const text = `SELECT revision, standings FROM leaderboard_changes
      WHERE window_id = ? AND revision > ? ORDER BY revision LIMIT ?`;
    const rows = await this.db.read((sql) =>
      sql.rows<{ revision: number; standings: string }>(text, [windowId, revision, limit]),
    );
    return rows.map((row) => ({ revision: row.revision, standings: JSON.parse(row.standings) as Standing[] }));
  }

  /** Forgets the changes of a window up to a revision. */
  async forgetChanges(windowId: number, revision: number): Promise<void> {
    const text = 'DELETE FROM leaderboard_changes WHERE window_id = ? AND revision <= ?';
    await this.db.transaction((tx) => tx.run(text, [windowId, revision]), { priority: 'background' });
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
    return enterInbox(this.tx, 'leaderboard_inbox', eventIds, this.groupId);
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
      columns: { window_id: 'int', player_id: 'text', score: 'int', achieved_at: 'int', revision: 'int' },
      key: ['window_id', 'player_id'],
      rows: deltas.map(({ playerId, score, achievedAt }) => [windowId, playerId, score, achievedAt, revision]),
      add: ['score'],
      set: ['revision'],
      max: ['achieved_at'],
    });
    return standingsOf(
      this.tx,
      windowId,
      deltas.map(({ playerId }) => playerId),
    );
  }

  /** Tells other processes. */
  async announce(windowId: number, { revision, standings }: Change): Promise<void> {
    const text = 'INSERT INTO leaderboard_changes (window_id, revision, standings) VALUES (?, ?, ?)';
    await this.tx.run(text, [windowId, revision, JSON.stringify(standings)]);
  }
}

async function standingsOf(sql: Sql, windowId: number, playerIds: readonly string[]): Promise<Standing[]> {
  const list = inList(playerIds);
  const text = `SELECT player_id, score, achieved_at FROM leaderboard_scores WHERE window_id = ? AND player_id IN ${list.text}`;
  return (await sql.rows<ScoreRow>(text, [windowId, ...list.params])).map(toStanding);
}

interface ScoreRow {
  readonly player_id: string;
  readonly score: number;
  readonly achieved_at: number;
}

function toStanding({ player_id, score, achieved_at }: ScoreRow): Standing {
  return { playerId: player_id, score, achievedAt: achieved_at };
}
