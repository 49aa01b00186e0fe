import { Injectable } from '@nestjs/common';
import { Metrics } from '../../shared/metrics/metrics';

@Injectable()
export class LeaderboardMetrics {
  private readonly updates;
  private readonly late;
  private readonly lag;
  private readonly reads;
  private readonly applyDuration;
  private readonly snapshots;
  private readonly inMemory;
  private readonly watchers;
  private readonly refusedWatchers;

  constructor(metrics: Metrics) {
    this.updates = metrics.counter('leaderboard_updates_total', 'Scores changed');
    this.late = metrics.counter('leaderboard_late_events_total', 'Events that came after their window was closed', [
      'window',
    ]);
    this.lag = metrics.duration('leaderboard_lag_seconds', 'From accepted to visible');
    this.reads = metrics.duration('leaderboard_read_duration_seconds', 'Answering a page or a rank');
    this.applyDuration = metrics.duration('leaderboard_apply_duration_seconds', 'Applying one group of events');
    this.snapshots = metrics.counter('leaderboard_snapshots_total', 'Snapshots taken', ['window', 'kind']);
    this.inMemory = metrics.gauge('leaderboard_players_in_memory', 'Players of open windows that have been read', [
      'window',
    ]);
    this.watchers = metrics.gauge('leaderboard_watchers', 'Streams that watch a leaderboard');
    this.refusedWatchers = metrics.counter(
      'leaderboard_watchers_refused_total',
      'Watchers that found no place, in all or from one address',
      ['reason'],
      [{ reason: 'total' }, { reason: 'address' }],
    );
  }

  applied(lagMs: number): void {
    this.lag.observe(Math.max(0, lagMs) / 1000);
  }

  appliedGroup(scores: number, milliseconds: number): void {
    this.updates.inc(scores);
    this.applyDuration.observe(milliseconds / 1000);
  }

  lateEvent(window: string): void {
    this.late.inc({ window });
  }

  /** Measures a read, whether or not it finds anything. */
  async timed<T>(read: () => Promise<T>): Promise<T> {
    const end = this.reads.startTimer();
    try {
      return await read();
    } finally {
      end();
    }
  }

  /** `players`: by kind of window. */
  kept(players: ReadonlyMap<string, number>): void {
    for (const [window, count] of players) this.inMemory.set({ window }, count);
  }

  watching(watchers: number): void {
    this.watchers.set(watchers);
  }

  watcherRefused(reason: 'total' | 'address'): void {
    this.refusedWatchers.inc({ reason });
  }

  snapshot(window: string, kind: string): void {
    this.snapshots.inc({ window, kind });
  }
}
