import { Injectable } from '@nestjs/common';
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

  /** Of these windows, which are open, closes those that are due. */
  async closeDue(open: readonly StoredWindow[]): Promise<void> {
    for (const window of open) {
      const due = dueAt(window);
      if (this.clock.now() < due || (await this.awaitsEvents(window, due))) continue;
      if (!(await this.snapshots.close(window, this.clock.now()))) continue;
      this.metrics.snapshot(window.kind, 'final');
      this.windows.forget(window);
    }
  }

  /**
   * The earliest times of all pending events are of two different ones, maybe; then this waits a little longer than it
   * must. What is accepted after `due` does not count, so a stream of it keeps no window open.
   */
  private async awaitsEvents({ endsAt }: StoredWindow, due: number): Promise<boolean> {
    const { occurredAt, acceptedAt } = await this.gateway.oldestPending({ consumer: consumerName });
    if (occurredAt === undefined || acceptedAt === undefined) return false;
    return Date.parse(occurredAt) < endsAt && Date.parse(acceptedAt) < due;
  }
}
