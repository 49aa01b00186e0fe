import { Injectable } from '@nestjs/common';
import { Load } from '../../shared/async/load';
import { Batcher } from '../../shared/batch/batch';
import { AppError } from '../../shared/errors/app-error';
import { toAppError } from '../../shared/errors/to-app-error';
import { idempotencyKeyReused } from './events-gateway.errors';
import { type GameEvent, sameEvent } from './events-gateway.event';
import { FairnessGate } from './events-gateway.fairness-gate';
import { type Inserted, JournalRepository } from './events-gateway.journal.repository';
import { EventOutbox } from './events-gateway.outbox';

/** The outcome of an event. An error leaves no row. */
export type Recorded = 'accepted' | 'duplicate' | AppError;

const nothing: Inserted = { inserted: new Set(), present: new Map() };
const maxGroup = 2000;
// About 20 MB of waiting events; beyond it callers are told to come back.
const maxQueued = 20_000;

/**
 * Decides which events are accepted: those that are known already are answered as they were, fairness says who may pass, and
 * the journal records the rest. Concurrent events share one COMMIT; nobody is answered before it. One id is accepted once:
 * its first body wins, the same body again is a duplicate, another body is refused.
 */
@Injectable()
export class EventAcceptance {
  private readonly batcher: Batcher<GameEvent, Recorded>;

  constructor(
    private readonly journal: JournalRepository,
    private readonly fairness: FairnessGate,
    private readonly outbox: EventOutbox,
    private readonly load: Load,
  ) {
    this.batcher = new Batcher<GameEvent, Recorded>({
      maxItems: maxGroup,
      maxQueued,
      commit: (events, groupId) => this.commit(events, groupId),
      resolve: (events, groupId) => this.resolve(events, groupId),
    });
  }

  /** Answers the outcome of the event once that is durable. @throws AppError unavailable, deadline_exceeded */
  async record(event: GameEvent): Promise<Recorded> {
    this.load.begin(1);
    try {
      return await this.batcher.submit(event);
    } finally {
      this.load.end(1);
    }
  }

  /** Each event with its own outcome, in order. */
  async recordAll(events: readonly GameEvent[]): Promise<Recorded[]> {
    if (events.length === 0) return [];
    this.load.begin(events.length);
    try {
      const settled = await this.batcher.submitAll(events);
      return settled.map((one) => (one.status === 'fulfilled' ? one.value : toAppError(one.reason)));
    } finally {
      this.load.end(events.length);
    }
  }

  /** Does all that accepting does, and rolls it back. */
  rehearse(events: readonly GameEvent[]): Promise<void> {
    return this.journal.rehearse(events);
  }

  private async commit(events: readonly GameEvent[], groupId: number): Promise<Recorded[]> {
    const first = firstOfEachId(events);
    // Before fairness: an event that was accepted is answered so, whatever its player has done since.
    const known = await this.journal.known([...first.keys()]);
    const unknown = known.size === 0 ? [...first.values()] : [...first.values()].filter(({ id }) => !known.has(id));
    const refused = await this.fairness.refused(unknown);
    const allowed = refused.size === 0 ? unknown : unknown.filter(({ id }) => !refused.has(id));
    const { inserted, present } = await this.insert(allowed, groupId);
    const there = known.size === 0 ? present : new Map([...known, ...present]);
    return events.map((event) => refused.get(event.id) ?? judge(event, first, inserted, there));
  }

  private async insert(events: readonly GameEvent[], groupId: number): Promise<Inserted> {
    if (events.length === 0) return nothing;
    const direct = this.outbox.reserve(events.length);
    try {
      const found = await this.journal.insert(events, groupId, direct);
      if (direct) this.outbox.accepted(events.filter((event) => found.inserted.has(event.id)));
      else this.outbox.wake();
      return found;
    } finally {
      if (direct) this.outbox.release(events.length);
    }
  }

  /** After a COMMIT whose answer was lost: rows of this very group were accepted, though nobody has heard it. */
  private async resolve(events: readonly GameEvent[], groupId: number): Promise<(Recorded | undefined)[]> {
    const first = firstOfEachId(events);
    const { inserted, present } = await this.journal.find([...first.keys()], groupId);
    this.outbox.wake();
    return events.map((event) =>
      inserted.has(event.id) || present.has(event.id) ? judge(event, first, inserted, present) : undefined,
    );
  }
}

function firstOfEachId(events: readonly GameEvent[]): Map<string, GameEvent> {
  const first = new Map<string, GameEvent>();
  for (const event of events) if (!first.has(event.id)) first.set(event.id, event);
  return first;
}

function judge(
  event: GameEvent,
  first: ReadonlyMap<string, GameEvent>,
  inserted: ReadonlySet<string>,
  present: ReadonlyMap<string, GameEvent>,
): Recorded {
  const winner = inserted.has(event.id) ? first.get(event.id) : present.get(event.id);
  if (winner === event) return 'accepted';
  return winner && sameEvent(winner, event) ? 'duplicate' : idempotencyKeyReused();
}
