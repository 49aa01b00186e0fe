import { Injectable } from '@nestjs/common';
import type { AcceptedEvent } from '../../generated/aerie/events_gateway/v1/events_gateway';
import { Clock } from '../../shared/clock/clock';
import { CommitUnknownError } from '../../shared/db/db.errors';
import { type AppliedChange, Boards } from './leaderboard.boards';
import type { WindowKind } from './leaderboard.calendar';
import { deltasOf, type PlacedEvent, place } from './leaderboard.deltas';
import { LeaderboardMetrics } from './leaderboard.metrics';
import { type ApplySteps, ScoresRepository } from './leaderboard.scores.repository';
import { Windows } from './leaderboard.windows';

interface Applied {
  readonly fresh: readonly PlacedEvent[];
  readonly changes: readonly AppliedChange[];
  /** The kind of window, once for each event that it was closed to. */
  readonly late: readonly WindowKind[];
}

/** Adds the points of accepted events to the scores of their windows, exactly once: the inbox commits with the scores. */
@Injectable()
export class LeaderboardApplier {
  constructor(
    private readonly repository: ScoresRepository,
    private readonly windows: Windows,
    private readonly boards: Boards,
    private readonly metrics: LeaderboardMetrics,
    private readonly clock: Clock,
  ) {}

  /** Events that the inbox knows have no second effect. `groupId`: random, for this call. */
  async apply(events: readonly AcceptedEvent[], groupId: number): Promise<void> {
    const started = this.clock.monotonic();
    const placed = events.map((event) => place(event, (instant) => this.windows.at(instant)));
    const ids = await this.windows.ids(new Set(placed.flatMap(({ windows }) => windows)));
    const { fresh, changes, late } = await this.boards.exclusively(() => this.transact(placed, ids, groupId));
    for (const kind of late) this.metrics.lateEvent(kind);
    const now = this.clock.steady();
    for (const { event } of fresh) this.metrics.applied(now - Date.parse(event.acceptedAt));
    const scores = changes.reduce((sum, { standings }) => sum + standings.length, 0);
    this.metrics.appliedGroup(scores, this.clock.monotonic() - started);
  }

  private async transact(
    placed: readonly PlacedEvent[],
    ids: ReadonlyMap<string, number>,
    groupId: number,
  ): Promise<Applied> {
    try {
      const applied = await this.repository.apply(groupId, (step) => this.steps(step, placed, ids));
      for (const change of applied.changes) this.boards.applied(change);
      return applied;
    } catch (error) {
      // It may be committed, and what is in memory would not know.
      if (error instanceof CommitUnknownError) this.boards.forgetAll();
      throw error;
    }
  }

  private async steps(
    step: ApplySteps,
    placed: readonly PlacedEvent[],
    ids: ReadonlyMap<string, number>,
  ): Promise<Applied> {
    const unknown = await step.enter(placed.map(({ event }) => event.id));
    // delete: an event that is twice in the group counts once.
    const fresh = placed.filter(({ event }) => unknown.delete(event.id));
    const deltas = deltasOf(fresh, ids);
    const revisions = await step.lock([...deltas.keys()]);
    const late: WindowKind[] = fresh.flatMap(({ missed }) => missed.map(({ kind }) => kind));
    const changes: AppliedChange[] = [];
    for (const [windowId, { kind, events, players }] of deltas) {
      const revision = revisions.get(windowId);
      if (revision === undefined) {
        late.push(...new Array<WindowKind>(events).fill(kind));
        continue;
      }
      const standings = await step.add(windowId, revision, [...players.values()]);
      if (!this.repository.embedded) await step.announce(windowId, { revision, standings });
      changes.push({ windowId, revision, standings });
    }
    return { fresh, changes, late };
  }
}
