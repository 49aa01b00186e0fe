import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { Loop } from '../../shared/lifecycle/loop';
import { Boards } from './leaderboard.boards';
import { Closer } from './leaderboard.closer';
import { Photographer } from './leaderboard.photographer';
import { Windows } from './leaderboard.windows';

const everyMs = 1000;

/** Reads the open boards into memory, takes snapshots, and closes windows, from start to stop. */
@Injectable()
export class LeaderboardWorker implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly loop = new Loop({
    everyMs,
    atOnce: true,
    work: () => this.step(),
    // Whatever was due is still due.
    failed: (error) => this.logger.warn({ err: error }, 'leaderboard_worker_failed'),
  });

  constructor(
    private readonly windows: Windows,
    private readonly boards: Boards,
    private readonly closer: Closer,
    private readonly photographer: Photographer,
    private readonly logger: PinoLogger,
  ) {}

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.loop.stop();
    await this.boards.close();
  }

  private async step(): Promise<void> {
    const open = await this.closer.closeDue(await this.windows.open());
    await this.boards.retain(open);
    await this.photographer.takeDue(open);
  }
}
