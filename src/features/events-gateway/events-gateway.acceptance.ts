import { Injectable } from '@nestjs/common';
import type { Settle } from '../../shared/async/guarded';
import { Load } from '../../shared/async/load';
import { Batcher } from '../../shared/batch/batch';
import { Bus } from '../../shared/bus/bus';
import { isUniqueViolation } from '../../shared/db/db.errors';
import { AppError } from '../../shared/errors/app-error';
import { toAppError } from '../../shared/errors/to-app-error';
import { inSpan } from '../../shared/tracing/in-span';
import { Tracing } from '../../shared/tracing/tracing';
import { idempotencyKeyReused } from './events-gateway.errors';
import { type GameEvent, sameEvent, sameRecord, toJournalEvent } from './events-gateway.event';
import { acceptedEvents } from './events-gateway.events';
import { FairnessGate } from './events-gateway.fairness-gate';
import { JournalRepository } from './events-gateway.journal.repository';

/** The outcome of an event. An error leaves no row. */
export type Recorded = 'accepted' | 'duplicate' | AppError;

const maxGroup = 2000;
// An idle process accepts at once; one that has hundreds of events a second, in groups of some, at a lower price for each.
const spacingMs = 2;
// About 20 MB of waiting events; beyond it callers are told to come back.
const maxQueued = 20_000;
const committing = { name: 'commit events', kind: 'internal' } as const;
const publishing = { 'messaging.destination.name': acceptedEvents.name, 'messaging.operation.name': 'publish' };

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
    private readonly bus: Bus,
    private readonly load: Load,
    tracing: Tracing,
  ) {
    this.batcher = new Batcher<GameEvent, Recorded>({
      maxItems: maxGroup,
      maxQueued,
      spacingMs,
      commit: (events) => tracing.group({ ...committing, traces: events, work: () => this.commit(events) }),
      resolve: (events) => this.resolve(events),
    });
  }

  /** Tells the outcome of the event once that is durable; an error is an AppError unavailable or deadline_exceeded. */
  record(event: GameEvent, settle: Settle<Recorded>): void {
    this.load.begin(1);
    this.batcher.put(event, (error, recorded) => {
      this.load.end(1);
      settle(error, recorded);
    });
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

  private async commit(events: readonly GameEvent[]): Promise<Recorded[]> {
    const first = firstOfEachId(events);
    // Before fairness: an event that was accepted is answered so, whatever its player has done since.
    const known = await this.journal.known([...first.keys()]);
    const unknown = known.size === 0 ? [...first.values()] : [...first.values()].filter(({ id }) => !known.has(id));
    const refused = await this.fairness.refused(unknown);
    const allowed = refused.size === 0 ? unknown : unknown.filter(({ id }) => !refused.has(id));
    const others = await this.append(allowed);
    return events.map((event) => {
      const refusal = refused.get(event.id);
      return refusal ?? judge(event, known.get(event.id) ?? others.get(event.id) ?? first.get(event.id));
    });
  }

  /** Answers the events that another gateway has accepted since they were looked up. */
  private async append(events: readonly GameEvent[]): Promise<ReadonlyMap<string, GameEvent>> {
    let others: ReadonlyMap<string, GameEvent> = new Map();
    for (let rest = events; rest.length > 0; rest = events.filter(({ id }) => !others.has(id))) {
      try {
        const base = await this.journal.append(rest);
        const messages = rest.map((event, i) => ({ key: event.playerId, body: toJournalEvent(event, base + i + 1) }));
        await inSpan('publish accepted-events', 'producer', publishing, async () =>
          this.bus.publish(acceptedEvents, messages),
        );
        return others;
      } catch (error) {
        if (!isUniqueViolation(error)) throw error;
        const before = others.size;
        others = await this.journal.known(events.map(({ id }) => id));
        // It is no id that is there twice.
        if (others.size === before) throw error;
      }
    }
    return others;
  }

  /**
   * After a COMMIT whose answer was lost: the rows that are these very events were accepted, though nobody has heard it.
   * Consumers find them in the log.
   */
  private async resolve(events: readonly GameEvent[]): Promise<(Recorded | undefined)[]> {
    const first = firstOfEachId(events);
    const there = await this.journal.knownForSure([...first.keys()]);
    return events.map((event) => {
      const winner = there.get(event.id);
      if (!winner) return undefined;
      const own = first.get(event.id);
      return judge(event, own && sameRecord(winner, own) ? own : winner);
    });
  }
}

function firstOfEachId(events: readonly GameEvent[]): Map<string, GameEvent> {
  const first = new Map<string, GameEvent>();
  for (const event of events) if (!first.has(event.id)) first.set(event.id, event);
  return first;
}

/** `winner`: the event that has this id in the journal. */
function judge(event: GameEvent, winner: GameEvent | undefined): Recorded {
  if (winner === event) return 'accepted';
  return winner && sameEvent(winner, event) ? 'duplicate' : idempotencyKeyReused();
}
