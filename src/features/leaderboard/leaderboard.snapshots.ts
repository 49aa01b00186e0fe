import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Clock } from '../../shared/clock/clock';
import { LeaderboardIndex } from './leaderboard.index';
import { LeaderboardMetrics } from './leaderboard.metrics';
import { LeaderboardRepository, type StoredWindow } from './leaderboard.repository';
import { LeaderboardSettings } from './leaderboard.settings';
import { SnapshotsRepository } from './leaderboard.snapshots.repository';

// Each has up to 10,000 entries.
const maxPruned = 10;

/**
 * The periodic snapshots: of each open window one in every interval, taken by whichever process comes first, and removed
 * when their time is over. Final ones are kept.
 */
@Injectable()
export class PeriodicSnapshots {
  // There are fewer open windows. A window that is forgotten here is found in the database.
  private readonly taken = new LRUCache<number, number>({ max: 1000 });

  constructor(
    private readonly boards: LeaderboardIndex,
    private readonly repository: LeaderboardRepository,
    private readonly snapshots: SnapshotsRepository,
    private readonly metrics: LeaderboardMetrics,
    private readonly clock: Clock,
    private readonly settings: LeaderboardSettings,
  ) {}

  /** Takes the window's snapshot of this interval, unless somebody has. @throws AppError unavailable */
  async takeDue(window: StoredWindow): Promise<void> {
    const { snapshotIntervalMs, topN } = this.settings;
    const now = this.clock.sure();
    if (now === undefined) return;
    const slot = now - (now % snapshotIntervalMs);
    if (this.taken.get(window.id) === slot) return;
    const top =
      (await this.boards.page(window, undefined, topN)) ??
      (await this.repository.page(window.id, undefined, topN, 'loading'));
    if (await this.snapshots.keepPeriodic(window.id, slot, now, top)) this.metrics.snapshot(window.kind, 'periodic');
    this.taken.set(window.id, slot);
  }

  /** Removes a bounded number. True when there may be more. @throws AppError unavailable */
  async prune(): Promise<boolean> {
    const { snapshotRetentionMs } = this.settings;
    const now = this.clock.sure();
    if (snapshotRetentionMs === 0 || now === undefined) return false;
    return (await this.snapshots.prunePeriodic(now - snapshotRetentionMs, maxPruned)) === maxPruned;
  }
}
