import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { Counter, Gauge, Histogram } from 'prom-client';
import { counter, duration, gauge } from '../../shared/metrics/metrics';

const windows = ['daily', 'weekly', 'seasonal'].map((window) => ({ window }));
const snapshots = windows.flatMap(({ window }) => ['periodic', 'final'].map((kind) => ({ window, kind })));

export const leaderboardMetrics = [
  counter('leaderboard_updates_total', 'Scores changed'),
  counter('leaderboard_late_events_total', 'Events that came after their window was closed', ['window'], windows),
  duration('leaderboard_lag_seconds', 'From accepted to visible'),
  duration('leaderboard_read_duration_seconds', 'Answering a page or a rank'),
  duration('leaderboard_apply_duration_seconds', 'Applying one group of events'),
  counter('leaderboard_snapshots_total', 'Snapshots taken', ['window', 'kind'], snapshots),
  gauge('leaderboard_players_in_memory', 'Players of open windows that have been read', ['window']),
];

export const leaderboardWatchMetrics = [
  gauge('leaderboard_watchers', 'Streams that watch a leaderboard'),
  counter(
    'leaderboard_watchers_refused_total',
    'Watchers that found no place, in all or from one address',
    ['reason'],
    [{ reason: 'total' }, { reason: 'address' }],
  ),
];

@Injectable()
export class LeaderboardMetrics {
  constructor(
    @InjectMetric('leaderboard_updates_total') private readonly updates: Counter,
    @InjectMetric('leaderboard_late_events_total') private readonly late: Counter<'window'>,
    @InjectMetric('leaderboard_lag_seconds') private readonly lag: Histogram,
    @InjectMetric('leaderboard_read_duration_seconds') private readonly reads: Histogram,
    @InjectMetric('leaderboard_apply_duration_seconds') private readonly applyDuration: Histogram,
    @InjectMetric('leaderboard_snapshots_total') private readonly snapshots: Counter<'window' | 'kind'>,
    @InjectMetric('leaderboard_players_in_memory') private readonly inMemory: Gauge<'window'>,
  ) {}

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

  /** Measures a read, also one that fails. */
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

  snapshot(window: string, kind: string): void {
    this.snapshots.inc({ window, kind });
  }
}
