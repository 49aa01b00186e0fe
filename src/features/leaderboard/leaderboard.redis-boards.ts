import type { PinoLogger } from 'nestjs-pino';
import { ulid } from 'ulid';
import type { VerifyLeaderboardResponse } from '../../generated/aerie/leaderboard/v1/leaderboard';
import { detach } from '../../shared/async/guarded';
import { Seldom } from '../../shared/async/seldom';
import { SharedCall } from '../../shared/async/shared-call';
import { Turns } from '../../shared/async/turns';
import type { Clock } from '../../shared/clock/clock';
import type { Metrics } from '../../shared/metrics/metrics';
import type { RedisClient } from '../../shared/redis/redis.client';
import { RedisPatience } from '../../shared/redis/redis.patience';
import type { RedisScript } from '../../shared/redis/redis.script';
import { type IndexedScores, isKept, LeaderboardIndex } from './leaderboard.index';
import type { PlayerScore } from './leaderboard.ranking';
import {
  applyScript,
  aroundScript,
  fillScript,
  pageScript,
  replaceScript,
  scoreArgs,
  scoresOf,
} from './leaderboard.redis-scripts';
import { RedisBoardVerifier } from './leaderboard.redis-verifier';
import type { Change, LeaderboardRepository, StoredWindow } from './leaderboard.repository';

const keepMs = 7 * 24 * 3_600_000;
const maxRecent = 200;
const fetchSize = 200;
const loadSize = 5000;
const fillSize = 500;
const leaseMs = 10_000;
const tellEveryMs = 30_000;
const maxTries = 3;

/** What this process knows of a board in Redis. */
interface Board {
  readonly id: number;
  /** The newest revision that anybody here has heard of. */
  wanted: number;
  /** What Redis had when it was last heard; undefined: not known. */
  revision: number | undefined;
  /** The last changes of this process, in order. */
  readonly recent: Change[];
  /** So often it may lack a COMMIT that nobody has heard of, and so many of these a board that was made since has. */
  doubts: number;
  cleared: number;
  making: Promise<void> | undefined;
  readonly following: SharedCall<boolean>;
}

/**
 * Boards in Redis, for all processes together. Each process puts in what it has committed, in the order of revisions, and
 * what others did not come round to. Without Redis, and until a board is made, the database answers.
 */
export class RedisBoards extends LeaderboardIndex {
  private readonly boards = new Map<number, Board>();
  private readonly turns = new Turns();
  private readonly patience = new RedisPatience();
  private readonly told = new Seldom(tellEveryMs);
  private readonly closing = new AbortController();
  private readonly requests;
  private readonly players;

  constructor(
    private readonly client: RedisClient,
    private readonly repository: LeaderboardRepository,
    private readonly clock: Clock,
    private readonly logger: PinoLogger,
    metrics: Metrics,
  ) {
    super();
    this.requests = metrics.counter('leaderboard_redis_requests_total', 'Questions to Redis and whether it answered', [
      'status',
    ]);
    this.players = metrics.gauge('leaderboard_players_in_redis', 'Players on the boards of open windows', ['window']);
  }

  override async page(
    window: StoredWindow,
    after: PlayerScore | undefined,
    limit: number,
  ): Promise<IndexedScores | undefined> {
    const [playerId, points, time] = after ? scoreArgs(after) : [];
    const answer = await this.read(
      window,
      pageScript,
      after ? [limit, points ?? '', time ?? '', playerId ?? ''] : [limit],
    );
    return answer && partOf(answer);
  }

  override async around(
    window: StoredWindow,
    playerId: string,
    each: number,
  ): Promise<IndexedScores | 'unranked' | undefined> {
    const answer = await this.read(window, aroundScript, [playerId, each]);
    if (!answer) return undefined;
    return answer.length > 2 ? partOf(answer) : 'unranked';
  }

  override async verify(window: StoredWindow): Promise<VerifyLeaderboardResponse | undefined> {
    if (!(await this.read(window, aroundScript, ['', 0]))) await this.boardOf(window.id).making;
    if (!(await this.read(window, aroundScript, ['', 0]))) return undefined;
    return new RedisBoardVerifier(this.client, this.keys(window.id), window.id, this.repository).verify();
  }

  override exclusively<T>(work: () => Promise<T>): Promise<T> {
    return this.turns.take(work);
  }

  override applied(windowId: number, change: Change): void {
    const board = this.boardOf(windowId);
    board.recent.push(change);
    if (board.recent.length > maxRecent) board.recent.shift();
    board.wanted = Math.max(board.wanted, change.revision);
    // Nobody waits for it: whoever reads sees which revision Redis has.
    detach(board.following.run());
  }

  override forgetAll(): void {
    for (const board of this.boards.values()) board.doubts += 1;
  }

  override retain(open: readonly StoredWindow[]): void {
    const ids = new Set(open.map(({ id }) => id));
    for (const id of this.boards.keys()) if (!ids.has(id)) this.boards.delete(id);
    this.players.reset();
    for (const window of open) detach(this.look(window));
  }

  override async close(): Promise<void> {
    this.closing.abort();
    await Promise.allSettled([...this.boards.values()].map(({ making }) => making));
  }

  /** Makes the board if it is not there. */
  private async look(window: StoredWindow): Promise<void> {
    const answer = await this.read(window, aroundScript, ['', 0]);
    if (answer) this.players.inc({ window: window.kind }, Number(answer[1]));
  }

  /** What Redis answers once it has all that the database had when the window was read; undefined when it has not. */
  private async read(
    window: StoredWindow,
    script: RedisScript,
    args: readonly (string | number)[],
  ): Promise<readonly unknown[] | undefined> {
    if (!isKept(window, this.clock.steady())) return undefined;
    const board = this.boardOf(window.id);
    board.wanted = Math.max(board.wanted, window.revision);
    const { wanted } = board;
    for (let tries = 0; tries < maxTries && board.doubts === board.cleared; tries += 1) {
      const answer = await this.ask(board, script, args);
      if (!answer) return undefined;
      const revision = Number(answer[0]);
      if (revision >= wanted) return answer;
      if (revision < 0 || !(await board.following.run())) break;
    }
    this.make(window, board);
    return undefined;
  }

  /** Puts in what Redis lacks. False when that cannot be: the board has to be made. */
  private async follow(board: Board): Promise<boolean> {
    if (board.revision === undefined) await this.ask(board, aroundScript, ['', 0]);
    for (let from = board.revision; from !== undefined && from < board.wanted; from = board.revision) {
      const changes = await this.changesAfter(board, from);
      const last = changes.at(-1);
      if (!last) return false;
      const answer = await this.ask(board, applyScript, [keepMs, from, last.revision, ...newest(changes)]);
      if (!answer) return true;
    }
    return board.revision !== undefined;
  }

  private async changesAfter({ id, recent }: Board, revision: number): Promise<readonly Change[]> {
    const own = recent.filter((change) => change.revision > revision);
    if (own[0]?.revision === revision + 1 && own.every((change, i) => change.revision === revision + 1 + i)) return own;
    return this.repository.changesAfter(id, revision, fetchSize);
  }

  /** Undefined when Redis does not answer. */
  private async ask(
    board: Board,
    script: RedisScript,
    args: readonly (string | number)[],
  ): Promise<readonly unknown[] | undefined> {
    if (!this.patience.worthwhile) return undefined;
    try {
      const answer = (await this.patience.wait(script.run(this.client, this.keys(board.id), args))) as unknown[];
      this.requests.inc({ status: 'ok' });
      const revision = Number(answer[0]);
      board.revision = revision < 0 ? undefined : revision;
      return answer;
    } catch (error) {
      this.requests.inc({ status: 'failed' });
      // What was sent may have been done.
      board.revision = undefined;
      if (this.told.now()) this.logger.warn({ err: error }, 'leaderboard_redis_silent');
      return undefined;
    }
  }

  private make(window: StoredWindow, board: Board): void {
    if (board.making || this.closing.signal.aborted) return;
    const making = this.build(window, board)
      .catch((error: unknown) => this.logger.warn({ err: error, window: window.name }, 'leaderboard_load_failed'))
      .finally(() => {
        board.making = undefined;
      });
    board.making = making;
  }

  /** Reads the board from the database into keys of its own, follows what changes meanwhile, and puts it in place at once. */
  private async build(window: StoredWindow, board: Board): Promise<void> {
    const lease = `${this.prefix(board.id)}:lease`;
    if ((await this.client.set(lease, 1, 'PX', leaseMs, 'NX')) !== 'OK') return;
    const { doubts } = board;
    const made = ['order', 'players'].map((kind) => `${this.prefix(board.id)}:${kind}-${ulid()}`);
    const fill = (scores: readonly PlayerScore[]) => this.fill(made, scores);
    try {
      const known = (await this.repository.findWindow(window.kind, window.key)) ?? window;
      let revision = this.repository.embedded ? Math.max(known.revision, board.wanted) : known.revision;
      for (let last: string | undefined = ''; last !== undefined; ) {
        const part = await this.repository.byPlayer(board.id, last, loadSize);
        await fill(part);
        last = part.length === loadSize ? part.at(-1)?.playerId : undefined;
        if (this.closing.signal.aborted) return;
        await this.client.pexpire(lease, leaseMs);
        // Changes are not kept for long.
        for (const change of await this.repository.changesAfter(board.id, revision, fetchSize)) {
          await fill(change.scores);
          revision = change.revision;
        }
      }
      await replaceScript.run(this.client, [...this.keys(board.id), ...made], [keepMs, revision]);
      board.revision = revision;
      board.cleared = doubts;
    } finally {
      await this.client.del(lease, ...made);
    }
    detach(board.following.run());
  }

  private async fill(keys: readonly string[], scores: readonly PlayerScore[]): Promise<void> {
    for (let from = 0; from < scores.length; from += fillSize)
      await fillScript.run(this.client, keys, [keepMs, ...scores.slice(from, from + fillSize).flatMap(scoreArgs)]);
  }

  private boardOf(id: number): Board {
    const known = this.boards.get(id);
    if (known) return known;
    const following: SharedCall<boolean> = new SharedCall(() => this.follow(board));
    const empty = { wanted: 0, revision: undefined, recent: [], doubts: 0, cleared: 0, making: undefined };
    const board: Board = { id, ...empty, following };
    this.boards.set(id, board);
    return board;
  }

  private prefix(id: number): string {
    return `aerie:{leaderboard-${id}}`;
  }

  private keys(id: number): readonly [string, string, string] {
    const prefix = this.prefix(id);
    return [`${prefix}:order`, `${prefix}:players`, `${prefix}:meta`];
  }
}

function partOf([, total, passed, range]: readonly unknown[]): IndexedScores {
  return { total: Number(total), rank: Number(passed) + 1, scores: scoresOf(range as string[]) };
}

/** Each player's newest score, as the scripts take them. */
function newest(changes: readonly Change[]): string[] {
  const scores = new Map<string, PlayerScore>();
  for (const change of changes) for (const score of change.scores) scores.set(score.playerId, score);
  return [...scores.values()].flatMap(scoreArgs);
}
