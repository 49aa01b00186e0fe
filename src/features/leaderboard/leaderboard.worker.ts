import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Jobs } from '../../shared/async/jobs';
import type { Loop } from '../../shared/async/loop';
import type { RowByRow } from '../../shared/async/row-by-row';
import { Boards } from './leaderboard.boards';
import { Closer } from './leaderboard.closer';
import { Photographer } from './leaderboard.photographer';
import { type StoredWindow, Windows } from './leaderboard.windows';

const everyMs = 1000;

/** Reads the open boards into memory, takes snapshots, and closes windows, from start to stop; each window by itself. */
@Injectable()
export class LeaderboardWorker implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly loop: Loop;
  // As of the last round that could read them.
  private open: readonly StoredWindow[] = [];

  constructor(
    private readonly windows: Windows,
    private readonly boards: Boards,
    private readonly closer: Closer,
    private readonly photographer: Photographer,
    jobs: Jobs,
  ) {
    const each = (job: string, work: (window: StoredWindow) => Promise<unknown>): RowByRow<StoredWindow> =>
      jobs.rows(job, ({ name }) => name, work);
    const moving = each('leaderboard.calendar', (window) => this.move(window));
    const closing = each('leaderboard.closing', (window) => this.close(window));
    const forgetting = each('leaderboard.boards', (window) => this.boards.forgetOld(window));
    const taking = each('leaderboard.snapshots', (window) => this.photographer.takeDue(window));
    const work = {
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
    };
    this.loop = jobs.loop(work, { everyMs, atOnce: true });
  }

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.loop.stop();
    await this.boards.close();
  }

  private async move(window: StoredWindow): Promise<void> {
    const moved = await this.windows.followCalendar(window);
    this.open = this.open.map((one) => (one.id === moved.id ? moved : one));
  }

  private async close(window: StoredWindow): Promise<void> {
    if (await this.closer.close(window)) this.open = this.open.filter(({ id }) => id !== window.id);
  }
}
