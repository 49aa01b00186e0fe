import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { pause } from '../../shared/lifecycle/pause';
import { Boards } from './leaderboard.boards';
import { Closer } from './leaderboard.closer';
import { Photographer } from './leaderboard.photographer';
import { Windows } from './leaderboard.windows';

const everyMs = 1000;

/** Reads the open boards into memory, takes snapshots, and closes windows, from start to stop. */
@Injectable()
export class LeaderboardWorker implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;

  constructor(
    private readonly windows: Windows,
    private readonly boards: Boards,
    private readonly closer: Closer,
    private readonly photographer: Photographer,
    private readonly logger: PinoLogger,
  ) {}

  onApplicationBootstrap(): void {
    this.running = this.run();
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await this.running;
    await this.boards.close();
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        await this.step();
      } catch (error) {
        // Whatever was due is still due.
        this.logger.warn({ err: error }, 'leaderboard_worker_failed');
      }
      await pause(everyMs, signal);
    }
  }

  private async step(): Promise<void> {
    const open = await this.closer.closeDue(await this.windows.open());
    await this.boards.retain(open);
    await this.photographer.takeDue(open);
  }
}
