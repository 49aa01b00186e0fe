import { Injectable } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import type { VerifyLeaderboardResponse } from '../../generated/aerie/leaderboard/v1/leaderboard';
import { SharedCall } from '../../shared/async/shared-call';
import { Turns } from '../../shared/async/turns';
import { Clock } from '../../shared/clock/clock';
import { type WindowKind, windowKinds } from './leaderboard.calendar';
import { type IndexedScores, isKept, LeaderboardIndex } from './leaderboard.index';
import { LeaderboardMetrics } from './leaderboard.metrics';
import { type PlayerScore, Ranking } from './leaderboard.ranking';
import { type Change, LeaderboardRepository, type StoredWindow } from './leaderboard.repository';
import { LeaderboardVerifier } from './leaderboard.verifier';

// Most boards have no more players than this.
const firstSize = 1000;
const loadSize = 10_000;
// Putting so many takes some 2 ms, in which this thread does nothing else.
const putSize = 1000;
const catchUpSize = 200;
/** A board with more players is read from the database: slower, and with bounded memory. */
const maxPlayers = 2_000_000;

/**
 * A window's ranking in memory, as of a revision of the window. This process puts in what it applies right after its
 * COMMIT, and fetches what others apply by revision.
 */
export class Board {
  readonly ranking = new Ranking();
  /** Resolves when the board has been read or reading it has failed. */
  loading = Promise.resolve();
  private loaded = false;
  private full = false;
  private revision: number;
  private wanted: number;
  private readonly catchingUp = new SharedCall(() => this.fetchChanges(this.wanted));

  constructor(
    readonly window: StoredWindow,
    private readonly repository: LeaderboardRepository,
  ) {
    this.revision = window.revision;
    this.wanted = window.revision;
  }

  /** False while the board is being read, and when it has too many players for memory: then the database is read. */
  get usable(): boolean {
    return this.loaded && !this.full;
  }

  /** True when all that was committed up to this revision is in the ranking. */
  has(revision: number): boolean {
    return this.repository.embedded || this.revision >= revision;
  }

  /** Reads the board, with pauses. What is applied meanwhile is put in as well. @throws AppError unavailable */
  async load(until: AbortSignal): Promise<void> {
    const { id } = this.window;
    let part = await this.repository.byPlayer(id, '', firstSize);
    for (let size = firstSize, last: string | undefined; ; size = loadSize) {
      last = part.length === size ? part.at(-1)?.playerId : undefined;
      // The next part is read while this one is put in.
      const next = last === undefined ? [] : this.repository.byPlayer(id, last, loadSize);
      [part] = await Promise.all([next, this.putAll(part, until)]);
      if (last === undefined || this.full || until.aborted) break;
    }
    this.loaded = !until.aborted;
  }

  /** To be called only after the COMMIT that made the window's revision `revision`. */
  applied({ revision, scores }: Change): void {
    for (const score of scores) this.put(score);
    // After a gap another process was in between, and its changes are still to be fetched.
    if (revision === this.revision + 1) this.revision = revision;
  }

  /**
   * Fetches what others have applied up to `revision`. False when that was too long ago, and the board has to be read anew.
   * @throws AppError unavailable
   */
  catchUp(revision: number): Promise<boolean> {
    this.wanted = Math.max(this.wanted, revision);
    return this.catchingUp.run();
  }

  private async fetchChanges(wanted: number): Promise<boolean> {
    while (!this.has(wanted)) {
      const from = this.revision;
      for (const change of await this.repository.changesAfter(this.window.id, from, catchUpSize)) this.applied(change);
      // The changes that follow have been removed.
      if (this.revision === from) return false;
    }
    return true;
  }

  private async putAll(scores: readonly PlayerScore[], until: AbortSignal): Promise<void> {
    for (let from = 0; from < scores.length && !until.aborted; from += putSize) {
      for (const score of scores.slice(from, from + putSize)) this.put(score);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  private put(score: PlayerScore): void {
    if (this.full) return;
    this.ranking.put(score);
    this.full = this.ranking.size > maxPlayers;
  }
}

/**
 * The boards in memory, one for each open window and for those that ended last. They can be lost at any time: the database
 * has everything.
 */
@Injectable()
export class BoardCache extends LeaderboardIndex {
  private readonly boards = new Map<number, Board>();
  private readonly closing = new AbortController();
  private readonly turns = new Turns();
  private loads = Promise.resolve();

  constructor(
    private readonly repository: LeaderboardRepository,
    private readonly metrics: LeaderboardMetrics,
    private readonly clock: Clock,
    private readonly logger: PinoLogger,
  ) {
    super();
  }

  override async page(
    window: StoredWindow,
    after: PlayerScore | undefined,
    limit: number,
  ): Promise<IndexedScores | undefined> {
    const ranking = await this.at(window);
    return ranking && { total: ranking.size, ...ranking.page(after, limit) };
  }

  override async around(
    window: StoredWindow,
    playerId: string,
    each: number,
  ): Promise<IndexedScores | 'unranked' | undefined> {
    const ranking = await this.at(window);
    if (!ranking) return undefined;
    const found = ranking.around(playerId, each);
    return found ? { total: ranking.size, ...found } : 'unranked';
  }

  override async verify(window: StoredWindow): Promise<VerifyLeaderboardResponse | undefined> {
    const board = await this.loaded(window);
    return board && new LeaderboardVerifier(board, this, this.repository).verify();
  }

  /**
   * The window's ranking with all that the database had when `window` was read; undefined while it is being read, and
   * for windows that ended long ago. Use it before anything is awaited: it goes on changing.
   * @throws AppError unavailable
   */
  private async at(window: StoredWindow): Promise<Ranking | undefined> {
    if (!this.belongs(window)) return undefined;
    const board = this.keep(window);
    if (!board.usable) return undefined;
    if (!board.has(window.revision) && !(await board.catchUp(window.revision))) this.boards.delete(window.id);
    return board.usable && board.has(window.revision) ? board.ranking : undefined;
  }

  /** The window's board once it has been read; undefined when it cannot be kept in memory. */
  private async loaded(window: StoredWindow): Promise<Board | undefined> {
    if (!this.belongs(window)) return undefined;
    const board = this.keep(window);
    await board.loading;
    return board.usable ? board : undefined;
  }

  override exclusively<T>(work: () => Promise<T>): Promise<T> {
    return this.turns.take(work);
  }

  override applied(windowId: number, change: Change): void {
    this.boards.get(windowId)?.applied(change);
  }

  /** Of those that ended last, if somebody has asked for them. */
  override retain(open: readonly StoredWindow[]): void {
    const ids = new Set(open.map(({ id }) => id));
    for (const [id, { window }] of this.boards)
      if (!ids.has(id) && !this.belongs({ ...window, state: 'closed' })) this.boards.delete(id);
    for (const window of open) this.keep(window);
    const players = new Map<WindowKind, number>(windowKinds.map((kind) => [kind, 0]));
    for (const { usable, window, ranking } of this.boards.values())
      if (usable) players.set(window.kind, (players.get(window.kind) ?? 0) + ranking.size);
    this.metrics.kept(players);
  }

  override forgetAll(): void {
    this.boards.clear();
  }

  override async close(): Promise<void> {
    this.closing.abort();
    await this.loads;
  }

  private belongs(window: StoredWindow): boolean {
    return isKept(window, this.clock.steady());
  }

  private keep(window: StoredWindow): Board {
    const known = this.boards.get(window.id);
    if (known) return known;
    const board = new Board(window, this.repository);
    this.boards.set(window.id, board);
    // One board after another, so that the first is there soon.
    this.loads = this.loads.then(() => this.load(board));
    board.loading = this.loads;
    return board;
  }

  private async load(board: Board): Promise<void> {
    const { id, name } = board.window;
    const began = performance.now();
    try {
      await board.load(this.closing.signal);
      const duration_ms = Math.round(performance.now() - began);
      this.logger.debug({ window: name, count: board.ranking.size, duration_ms }, 'leaderboard_loaded');
    } catch (error) {
      // The database is read instead, and the next reader begins again.
      this.logger.warn({ err: error, window: name }, 'leaderboard_load_failed');
      this.boards.delete(id);
    }
  }
}
