import { Injectable } from '@nestjs/common';
import { asInternal } from '../../shared/auth/caller';
import { Clock } from '../../shared/clock/clock';
import { EventsGatewayApi } from '../events-gateway/events-gateway.api';
import { dueAt } from './leaderboard.calendar';
import { consumerName } from './leaderboard.consumer-name';
import { LeaderboardMetrics } from './leaderboard.metrics';
import { SnapshotsRepository } from './leaderboard.snapshots.repository';
import { Windows } from './leaderboard.windows';
import type { StoredWindow } from './leaderboard.windows.repository';

/**
 * Closes windows, once across all processes: when they are due, and no event of theirs that was accepted before is still
 * to be counted.
 */
@Injectable()
export class Closer {
  constructor(
    private readonly windows: Windows,
    private readonly snapshots: SnapshotsRepository,
    private readonly gateway: EventsGatewayApi,
    private readonly metrics: LeaderboardMetrics,
    private readonly clock: Clock,
  ) {}

  /** Closes an open window if it is due; whether this very call did it. */
  async close(window: StoredWindow): Promise<boolean> {
    const due = dueAt(window);
    if (!this.isPast(due) || (await this.awaitsEvents(window, due))) return false;
    // Asked again: what was waited for took its time.
    const now = this.clock.sure();
    if (now === undefined || now < due || !(await this.snapshots.close(window, now))) return false;
    this.metrics.snapshot(window.kind, 'final');
    this.windows.forget(window);
    return true;
  }

  private isPast(instant: number): boolean {
    const now = this.clock.sure();
    return now !== undefined && now >= instant;
  }

  /**
   * The earliest times of all pending events are of two different ones, maybe; then this waits a little longer than it
   * must. What is accepted after `due` does not count, so a stream of it keeps no window open.
   */
  private async awaitsEvents({ endsAt }: StoredWindow, due: number): Promise<boolean> {
    const { occurredAt, acceptedAt } = await asInternal(() => this.gateway.oldestPending({ consumer: consumerName }));
    if (occurredAt === undefined || acceptedAt === undefined) return false;
    return Date.parse(occurredAt) < endsAt && Date.parse(acceptedAt) < due;
  }
}
