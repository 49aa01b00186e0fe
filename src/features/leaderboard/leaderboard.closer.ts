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

  /** Of these windows, which are open, closes those that are due; answers the others. */
  async closeDue(open: readonly StoredWindow[]): Promise<StoredWindow[]> {
    const left: StoredWindow[] = [];
    for (const window of open) if (!(await this.close(window))) left.push(window);
    return left;
  }

  private async close(window: StoredWindow): Promise<boolean> {
    const due = dueAt(window);
    if (this.clock.now() < due || (await this.awaitsEvents(window, due))) return false;
    if (!(await this.snapshots.close(window, this.clock.now()))) return false;
    this.metrics.snapshot(window.kind, 'final');
    this.windows.forget(window);
    return true;
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
