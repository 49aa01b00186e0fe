import { Injectable } from '@nestjs/common';
import { Clock } from '../../shared/clock/clock';
import { Config } from '../../shared/config/config';
import { LeaderboardMetrics } from './leaderboard.metrics';
import { BoardReader } from './leaderboard.reader';
import { SnapshotsRepository } from './leaderboard.snapshots.repository';
import type { StoredWindow } from './leaderboard.windows.repository';

/** Takes the periodic snapshots: of each open window one in every interval, whichever process comes first. */
@Injectable()
export class Photographer {
  private readonly taken = new Map<number, number>();

  constructor(
    private readonly reader: BoardReader,
    private readonly snapshots: SnapshotsRepository,
    private readonly metrics: LeaderboardMetrics,
    private readonly clock: Clock,
    private readonly config: Config,
  ) {}

  async takeDue(open: readonly StoredWindow[]): Promise<void> {
    const { snapshotIntervalMs, topN } = this.config.leaderboard;
    const now = this.clock.now();
    const slot = now - (now % snapshotIntervalMs);
    for (const id of this.taken.keys()) if (!open.some((window) => window.id === id)) this.taken.delete(id);
    for (const window of open) {
      if (this.taken.get(window.id) === slot) continue;
      const top = await this.reader.page({ window, stored: window }, undefined, topN);
      if (await this.snapshots.keepPeriodic(window.id, slot, now, top)) this.metrics.snapshot(window.kind, 'periodic');
      this.taken.set(window.id, slot);
    }
  }
}
