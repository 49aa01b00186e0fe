import { Injectable } from '@nestjs/common';
import { asInternal } from '../../shared/auth/caller';
import { Clock } from '../../shared/clock/clock';
import { EventsGatewayApi } from '../events-gateway/events-gateway.api';
import { dueAt } from './leaderboard.calendar';
import { LeaderboardMetrics } from './leaderboard.metrics';
import type { StoredWindow } from './leaderboard.repository';
import { SnapshotsRepository } from './leaderboard.snapshots.repository';
import { LeaderboardWindows } from './leaderboard.windows';

/** The name by which the journal knows this feature. */
export const consumerName = 'leaderboard';

/**
 * Closes windows, once across all processes: when they are due, and no event of theirs that was accepted before is still
 * to be counted.
 */
@Injectable()
export class WindowCloser {
  constructor(
    private readonly windows: LeaderboardWindows,
    private readonly snapshots: SnapshotsRepository,
    private readonly gateway: EventsGatewayApi,
    private readonly metrics: LeaderboardMetrics,
    private readonly clock: Clock,
  ) {}

  /** Closes an open window if it is due. True when this very call did it. @throws AppError unavailable */
  async close(window: StoredWindow): Promise<boolean> {
    if (!this.dueNow(window) || (await this.awaitsEvents(window))) return false;
    // The time is asked again, since time has passed.
    const now = this.dueNow(window);
    if (!now || !(await this.snapshots.close(window, now))) return false;
    this.metrics.snapshot(window.kind, 'final');
    this.windows.forget(window);
    return true;
  }

  /** The time when the window is surely due, else undefined. */
  private dueNow(window: StoredWindow): number | undefined {
    const now = this.clock.sure();
    return now !== undefined && now >= dueAt(window) ? now : undefined;
  }

  /**
   * The two earliest times may belong to two different events; then this waits a little longer than it must. An event that
   * is accepted once the window is due does not count, so a stream of such events keeps no window open.
   */
  private async awaitsEvents(window: StoredWindow): Promise<boolean> {
    const { occurredAt, acceptedAt } = await asInternal(() => this.gateway.oldestPending({ consumer: consumerName }));
    if (occurredAt === undefined || acceptedAt === undefined) return false;
    return Date.parse(occurredAt) < window.endsAt && Date.parse(acceptedAt) < dueAt(window);
  }
}
