import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Clock } from '../../shared/clock/clock';
import { LeaderboardMetrics } from './leaderboard.metrics';
import { BoardReader } from './leaderboard.reader';
import { LeaderboardSettings } from './leaderboard.settings';
import { SnapshotsRepository } from './leaderboard.snapshots.repository';
import type { StoredWindow } from './leaderboard.windows.repository';

/** Takes the periodic snapshots: of each open window one in every interval, whichever process comes first. */
@Injectable()
export class Photographer {
  // More than there are open windows; what is forgotten is found in the database.
  private readonly taken = new LRUCache<number, number>({ max: 1000 });

  constructor(
    private readonly reader: BoardReader,
    private readonly snapshots: SnapshotsRepository,
    private readonly metrics: LeaderboardMetrics,
    private readonly clock: Clock,
    private readonly settings: LeaderboardSettings,
  ) {}

  /** Takes the window's snapshot of this interval, unless somebody has. */
  async takeDue(window: StoredWindow): Promise<void> {
    const { snapshotIntervalMs, topN } = this.settings;
    const now = this.clock.sure();
    if (now === undefined) return;
    const slot = now - (now % snapshotIntervalMs);
    if (this.taken.get(window.id) === slot) return;
    const top = await this.reader.top(window, topN);
    if (await this.snapshots.keepPeriodic(window.id, slot, now, top)) this.metrics.snapshot(window.kind, 'periodic');
    this.taken.set(window.id, slot);
  }
}
