import { Injectable } from '@nestjs/common';
import { Jobs, type NamedJobs } from '../../shared/async/jobs';
import type { RowByRow } from '../../shared/async/row-by-row';
import { Seldom } from '../../shared/async/seldom';
import { Worker } from '../../shared/async/worker';
import { WindowCloser } from './leaderboard.closer';
import { LeaderboardIndex } from './leaderboard.index';
import { PeriodicSnapshots } from './leaderboard.snapshots';
import { LeaderboardWindows, type StoredWindow } from './leaderboard.windows';

const everyMs = 1000;
const pruneEveryMs = 60_000;

/** Reads the open boards into memory, takes and removes snapshots, and closes windows; each window by itself. */
@Injectable()
export class LeaderboardWorker extends Worker {
  // The open windows, as of the last round that could read them.
  private open: readonly StoredWindow[] = [];
  private readonly pruning = new Seldom(pruneEveryMs);
  private morePruning = false;

  constructor(
    private readonly windows: LeaderboardWindows,
    private readonly boards: LeaderboardIndex,
    private readonly closer: WindowCloser,
    private readonly snapshots: PeriodicSnapshots,
    jobs: Jobs,
  ) {
    super(jobs, { everyMs, atOnce: true });
  }

  /** Resolves when the round and the reading of boards have ended. */
  override async onApplicationShutdown(): Promise<void> {
    await super.onApplicationShutdown();
    await this.boards.close();
  }

  protected override work(): NamedJobs {
    const each = (job: string, work: (window: StoredWindow) => Promise<unknown>): RowByRow<StoredWindow> =>
      this.jobs.rows(job, ({ name }) => name, work);
    const moving = each('leaderboard.calendar', (window) => this.move(window));
    const closing = each('leaderboard.closing', (window) => this.close(window));
    const forgetting = each('leaderboard.boards', (window) => this.windows.forgetChanges(window));
    const taking = each('leaderboard.snapshots', (window) => this.snapshots.takeDue(window));
    return {
      'leaderboard.windows': async () => {
        this.open = await this.windows.open();
      },
      'leaderboard.calendar': () => moving.handle(this.open),
      'leaderboard.closing': () => closing.handle(this.open),
      'leaderboard.boards': () => {
        this.boards.retain(this.open);
        return forgetting.handle(this.open);
      },
      'leaderboard.snapshots': () => taking.handle(this.open),
      'leaderboard.pruning': async () => {
        if (this.morePruning || this.pruning.now()) this.morePruning = await this.snapshots.prune();
      },
    };
  }

  private async move(window: StoredWindow): Promise<void> {
    const moved = await this.windows.followCalendar(window);
    this.open = this.open.map((one) => (one.id === moved.id ? moved : one));
  }

  private async close(window: StoredWindow): Promise<void> {
    if (await this.closer.close(window)) this.open = this.open.filter(({ id }) => id !== window.id);
  }
}
