import { Injectable } from '@nestjs/common';
import { asInternal } from '../../shared/auth/caller';
import { Clock } from '../../shared/clock/clock';
import { EventsGatewayApi } from '../events-gateway/events-gateway.api';
import { dueAt } from './leaderboard.calendar';
import { LeaderboardMetrics } from './leaderboard.metrics';
import { LeaderboardRepository, type StoredWindow } from './leaderboard.repository';
import { SnapshotsRepository } from './leaderboard.snapshots.repository';
import { LeaderboardWindows } from './leaderboard.windows';

/**
 * Closes windows, once across all processes: when they are due, and every event that was accepted before has been counted.
 */
@Injectable()
export class WindowCloser {
  // The end of the log when a window was first seen to be due, by the window's id.
  private readonly heads = new Map<number, number>();

  constructor(
    private readonly windows: LeaderboardWindows,
    private readonly snapshots: SnapshotsRepository,
    private readonly repository: LeaderboardRepository,
    private readonly gateway: EventsGatewayApi,
    private readonly metrics: LeaderboardMetrics,
    private readonly clock: Clock,
  ) {}

  /** Closes an open window if it is due. True when this very call did it. @throws AppError unavailable */
  async close(window: StoredWindow): Promise<boolean> {
    if (!this.dueNow(window) || (await this.awaitsEvents(window.id))) return false;
    // The time is asked again, since time has passed.
    const now = this.dueNow(window);
    if (!now || !(await this.snapshots.close(window, now))) return false;
    this.heads.delete(window.id);
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
   * True until this consumer has passed all that was in the log when the window was seen to be due. What is accepted later
   * does not count, so no stream of events keeps a window open; nor do events that were given up.
   */
  private async awaitsEvents(windowId: number): Promise<boolean> {
    const head = this.heads.get(windowId) ?? (await asInternal(() => this.gateway.getHead({}))).seq;
    this.heads.set(windowId, head);
    return head > 0 && ((await this.repository.places.find())?.seq ?? 0) < head;
  }
}
