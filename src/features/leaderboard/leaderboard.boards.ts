import { Injectable } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { SharedCall } from '../../shared/async/shared-call';
import { Clock } from '../../shared/clock/clock';
import { Board } from './leaderboard.board';
import { type WindowKind, windowKinds } from './leaderboard.calendar';
import { LeaderboardMetrics } from './leaderboard.metrics';
import type { Ranking } from './leaderboard.ranking';
import { ScoresRepository } from './leaderboard.scores.repository';
import type { Standing } from './leaderboard.standing';
import type { StoredWindow } from './leaderboard.windows.repository';

// A process that is further behind reads the board anew.
const keptRevisions = 2000;
const forgetAtOnce = 500;

interface Kept {
  readonly window: StoredWindow;
  readonly board: Board;
  readonly loading: Promise<void>;
  readonly catching: SharedCall<boolean>;
  /** The revision that somebody asks for. */
  wanted: number;
  /** Changes up to this revision are gone from the database. */
  forgotten: number;
}

/** What a group of events has changed in one window. */
export interface AppliedChange {
  readonly windowId: number;
  readonly revision: number;
  readonly standings: readonly Standing[];
}

/** The rankings in memory, one for each open window and for those that ended last. They can be lost at any time: the database has it all. */
@Injectable()
export class Boards {
  private readonly kept = new Map<number, Kept>();
  private readonly closing = new AbortController();
  private tail: Promise<unknown> = Promise.resolve();
  private loads: Promise<void> = Promise.resolve();

  constructor(
    private readonly repository: ScoresRepository,
    private readonly metrics: LeaderboardMetrics,
    private readonly clock: Clock,
    private readonly logger: PinoLogger,
  ) {}

  /**
   * The window's ranking with all that the database had when `window` was read; undefined while it is being read, and
   * for windows that ended long ago. Use it before anything is awaited: it goes on changing.
   */
  async at(window: StoredWindow): Promise<Ranking | undefined> {
    if (!this.belongs(window)) return undefined;
    const kept = this.keep(window);
    const { board } = kept;
    if (board.usable && !board.has(window.revision)) {
      kept.wanted = Math.max(kept.wanted, window.revision);
      if (!(await kept.catching.run())) this.forget(window.id);
    }
    return board.usable && board.has(window.revision) ? board.ranking : undefined;
  }

  /** The window's board once it has been read; undefined when it cannot be kept in memory. */
  async loaded(window: StoredWindow): Promise<Board | undefined> {
    if (!this.belongs(window)) return undefined;
    const { board, loading } = this.keep(window);
    await loading;
    return board.usable ? board : undefined;
  }

  /** Runs `work` while nothing else that uses this does: a COMMIT and its `applied`, a comparison with the database. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    const done = this.tail.then(work);
    this.tail = done.catch(ignore);
    return done;
  }

  /** Only after the COMMIT. */
  applied({ windowId, revision, standings }: AppliedChange): void {
    this.kept.get(windowId)?.board.applied(revision, standings);
  }

  /** Keeps the boards of these windows, which are open, and of those that ended last, if somebody has asked for them. */
  retain(open: readonly StoredWindow[]): void {
    const ids = new Set(open.map(({ id }) => id));
    for (const [id, { window }] of this.kept)
      if (!ids.has(id) && !this.belongs({ ...window, state: 'closed' })) this.kept.delete(id);
    for (const window of open) this.keep(window);
    this.metrics.kept(this.players());
  }

  /** On the boards that have been read, by kind of window. */
  private players(): Map<WindowKind, number> {
    const players = new Map<WindowKind, number>(windowKinds.map((kind) => [kind, 0]));
    for (const { board, window } of this.kept.values())
      if (board.usable) players.set(window.kind, (players.get(window.kind) ?? 0) + board.ranking.size);
    return players;
  }

  /** After a COMMIT whose outcome nobody heard. */
  forgetAll(): void {
    this.kept.clear();
  }

  async close(): Promise<void> {
    this.closing.abort();
    await this.loads;
  }

  /** Open, or ended less than its own length ago. */
  private belongs({ state, startsAt, endsAt }: StoredWindow): boolean {
    return state === 'open' || this.clock.steady() < endsAt + (endsAt - startsAt);
  }

  /** Of the window's changes, which other processes follow, forgets those that are old. */
  async forgetOld(window: StoredWindow): Promise<void> {
    const kept = this.keep(window);
    const { id, revision } = window;
    const old = revision - keptRevisions;
    if (this.repository.embedded || old - kept.forgotten < forgetAtOnce) return;
    await this.repository.forgetChanges(id, old);
    kept.forgotten = old;
  }

  private keep(window: StoredWindow): Kept {
    const known = this.kept.get(window.id);
    if (known) return known;
    const board = new Board(window.id, this.repository, window.revision, this.repository.embedded);
    const kept: Kept = {
      window,
      board,
      loading: this.load(board, window),
      catching: new SharedCall(() => board.catchUp(kept.wanted)),
      wanted: window.revision,
      forgotten: 0,
    };
    this.kept.set(window.id, kept);
    return kept;
  }

  /** Asked for again, it is read anew. */
  private forget(windowId: number): void {
    this.kept.delete(windowId);
  }

  /** One after another: so the first is there soon. */
  private load(board: Board, window: StoredWindow): Promise<void> {
    this.loads = this.loads.then(() => this.loadNow(board, window));
    return this.loads;
  }

  private async loadNow(board: Board, { id, name }: StoredWindow): Promise<void> {
    const began = performance.now();
    try {
      await board.load(this.closing.signal);
      const duration_ms = Math.round(performance.now() - began);
      this.logger.debug({ window: name, count: board.ranking.size, duration_ms }, 'leaderboard_loaded');
    } catch (error) {
      // Without it the database answers; the next reader begins again.
      this.logger.warn({ err: error, window: name }, 'leaderboard_load_failed');
      this.forget(id);
    }
  }
}

// Whoever asked for it has the error.
function ignore(): void {
  return;
}
