import { Injectable } from '@nestjs/common';
import { Clock } from '../../shared/clock/clock';
import { CommitUnknownError } from '../../shared/db/db.errors';
import type { Place } from '../../shared/log/place';
import type { Passed, Source } from '../../shared/log/place.repository';
import type { JournalEvent } from '../events-gateway/events-gateway.events';
import { dueAt, type Window, WindowCalendar, type WindowKind } from './leaderboard.calendar';
import { LeaderboardIndex } from './leaderboard.index';
import { LeaderboardMetrics } from './leaderboard.metrics';
import type { PlayerScore } from './leaderboard.ranking';
import { type Change, LeaderboardRepository, type ScoringSteps, type WindowScores } from './leaderboard.repository';
import { LeaderboardWindows } from './leaderboard.windows';

/** An event with the windows that it counts for, and those for which it came too late. */
interface PlacedEvent {
  readonly seq: number;
  readonly afterSeq: number;
  readonly id: string;
  readonly event: JournalEvent;
  readonly windows: readonly Window[];
  readonly missed: readonly Window[];
}

/** The points that a group of events adds to the board of one window, by player. */
interface WindowDelta {
  readonly kind: WindowKind;
  events: number;
  readonly players: Map<string, PlayerScore>;
}

interface Applied {
  readonly fresh: readonly PlacedEvent[];
  /** By the window's id. */
  readonly changes: ReadonlyMap<number, Change>;
  /** The kind of window, once for each event that it was closed to. */
  readonly late: readonly WindowKind[];
}

/** Adds the points of accepted events to the scores of their windows, exactly once: the place commits with the scores. */
@Injectable()
export class LeaderboardScoring {
  constructor(
    private readonly repository: LeaderboardRepository,
    private readonly windows: LeaderboardWindows,
    private readonly calendar: WindowCalendar,
    private readonly boards: LeaderboardIndex,
    private readonly metrics: LeaderboardMetrics,
    private readonly clock: Clock,
  ) {}

  /**
   * Events that were passed before have no second effect.
   * @throws as `PlaceRepository.pass`
   */
  async apply(events: readonly JournalEvent[], source: Source): Promise<Place> {
    const started = this.clock.monotonic();
    const placed = events.map((event) => this.place(event));
    const ids = await this.windows.ids(new Set(placed.flatMap(({ windows }) => windows)));
    const { place, effect } = await this.boards.exclusively(() => this.transact(placed, ids, source));
    if (!effect) return place;
    const { fresh, changes, late } = effect;
    for (const kind of late) this.metrics.lateEvent(kind);
    const now = this.clock.steady();
    for (const { event } of fresh) this.metrics.applied(now - event.acceptedAt);
    let changed = 0;
    for (const { scores } of changes.values()) changed += scores.length;
    this.metrics.appliedGroup(changed, this.clock.monotonic() - started);
    return place;
  }

  /**
   * An event counts for the windows that it happened in and that were not due when it was accepted. So a score does not
   * depend on when consumers come round to it.
   */
  private place(event: JournalEvent): PlacedEvent {
    const { seq, afterSeq, id, acceptedAt } = event;
    const all = this.calendar.at(event.occurredAt);
    const windows = all.filter((window) => acceptedAt < dueAt(window));
    return { seq, afterSeq, id, event, windows, missed: all.filter((window) => !windows.includes(window)) };
  }

  private async transact(
    placed: readonly PlacedEvent[],
    ids: ReadonlyMap<string, number>,
    source: Source,
  ): Promise<Passed<Applied>> {
    try {
      const passed = await this.repository.apply(placed, source, (step, fresh) => this.steps(step, fresh, ids));
      for (const [windowId, change] of passed.effect?.changes ?? []) this.boards.applied(windowId, change);
      return passed;
    } catch (error) {
      // It may be committed, and what is in memory would not know.
      if (error instanceof CommitUnknownError) this.boards.forgetAll();
      throw error;
    }
  }

  private async steps(
    step: ScoringSteps,
    fresh: readonly PlacedEvent[],
    ids: ReadonlyMap<string, number>,
  ): Promise<Applied> {
    const deltas = deltasOf(fresh, ids);
    const revisions = await step.lock([...deltas.keys()]);
    const late: WindowKind[] = fresh.flatMap(({ missed }) => missed.map(({ kind }) => kind));
    const open: WindowScores[] = [];
    for (const [windowId, { kind, events, players }] of deltas) {
      const revision = revisions.get(windowId);
      if (revision === undefined) late.push(...new Array<WindowKind>(events).fill(kind));
      else open.push({ windowId, revision, scores: [...players.values()] });
    }
    const changes = await step.add(open);
    if (!this.repository.embedded) await step.announce(changes);
    return { fresh, changes, late };
  }
}

/** The sums of a group of events, by the window's id. `ids` has every window that they count for, by name. */
function deltasOf(events: readonly PlacedEvent[], ids: ReadonlyMap<string, number>): Map<number, WindowDelta> {
  const deltas = new Map<number, WindowDelta>();
  for (const { event, windows } of events) {
    const { playerId, points, occurredAt: achievedAt } = event;
    for (const { kind, name } of windows) {
      const id = ids.get(name);
      if (id === undefined) throw new Error(`Nobody has looked up ${name}`);
      const delta = deltas.get(id) ?? { kind, events: 0, players: new Map<string, PlayerScore>() };
      deltas.set(id, delta);
      delta.events += 1;
      const before = delta.players.get(playerId);
      delta.players.set(playerId, {
        playerId,
        score: (before?.score ?? 0) + points,
        achievedAt: Math.max(before?.achievedAt ?? 0, achievedAt),
      });
    }
  }
  return deltas;
}
