import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { Clock } from '../../shared/clock/clock';
import { Config } from '../../shared/config/config';
import { Loop } from '../../shared/lifecycle/loop';
import { SnapshotsRepository } from './leaderboard.snapshots.repository';

const everyMs = 60_000;
// Each has up to 10,000 entries.
const maxSnapshots = 10;

/** Forgets periodic snapshots when their time is over; final ones are kept. */
@Injectable()
export class Pruner implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly loop = new Loop({
    everyMs,
    work: () => this.prune(),
    failed: (error) => this.logger.warn({ err: error }, 'leaderboard_pruning_failed'),
  });

  constructor(
    private readonly snapshots: SnapshotsRepository,
    private readonly clock: Clock,
    private readonly config: Config,
    private readonly logger: PinoLogger,
  ) {}

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.loop.stop();
  }

  /** A bounded number; answers whether there may be more. */
  async prune(): Promise<boolean> {
    const { snapshotRetentionMs } = this.config.leaderboard;
    if (snapshotRetentionMs === 0) return false;
    const before = this.clock.now() - snapshotRetentionMs;
    return (await this.snapshots.prunePeriodic(before, maxSnapshots)) === maxSnapshots;
  }
}
