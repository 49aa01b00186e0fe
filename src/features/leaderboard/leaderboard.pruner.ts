import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Jobs } from '../../shared/async/jobs';
import type { Loop } from '../../shared/async/loop';
import { Clock } from '../../shared/clock/clock';
import { LeaderboardSettings } from './leaderboard.settings';
import { SnapshotsRepository } from './leaderboard.snapshots.repository';

const everyMs = 60_000;
// Each has up to 10,000 entries.
const maxSnapshots = 10;

/** Forgets periodic snapshots when their time is over; final ones are kept. */
@Injectable()
export class Pruner implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly loop: Loop;

  constructor(
    private readonly snapshots: SnapshotsRepository,
    private readonly clock: Clock,
    private readonly settings: LeaderboardSettings,
    jobs: Jobs,
  ) {
    this.loop = jobs.loop({ 'leaderboard.pruning': () => this.prune() }, { everyMs });
  }

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.loop.stop();
  }

  /** A bounded number; answers whether there may be more. */
  async prune(): Promise<boolean> {
    const { snapshotRetentionMs } = this.settings;
    const now = this.clock.sure();
    if (snapshotRetentionMs === 0 || now === undefined) return false;
    const before = now - snapshotRetentionMs;
    return (await this.snapshots.prunePeriodic(before, maxSnapshots)) === maxSnapshots;
  }
}
