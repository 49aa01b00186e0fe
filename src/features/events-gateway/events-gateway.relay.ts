import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { AcceptedEvent } from '../../generated/aerie/events_gateway/v1/events_gateway';
import { Bus, type BusMessage } from '../../shared/bus/bus';
import { Clock } from '../../shared/clock/clock';
import { advisors, consumerBits, everyConsumer } from './events-gateway.consumers';
import { type GameEvent, toAcceptedEvent, type UnreadableEvent } from './events-gateway.event';
import { acceptedEvents } from './events-gateway.events';
import { type Claimed, JournalRepository, type PendingEvent } from './events-gateway.journal.repository';
import { EventsGatewayMetrics } from './events-gateway.metrics';
import { EventOutbox } from './events-gateway.outbox';

const groupSize = 500;
const sweepMs = 1000;
const fullQueueMs = 10;
// Every group costs its consumers two commits, whatever its size; who comes alone does not wait.
const gatherMs = 50;
const nothing: Claimed = { due: 0, events: [], unreadable: [] };

/**
 * Hands accepted events to the bus: first what was just accepted, then what the journal says is due. An event stays the
 * journal's until each consumer has confirmed it, so nothing here can lose one: at worst it is sent again.
 */
@Injectable()
export class EventRelay {
  private stopping = false;
  private sweptAt = Number.NEGATIVE_INFINITY;
  private sentAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly outbox: EventOutbox,
    private readonly repository: JournalRepository,
    private readonly bus: Bus,
    private readonly metrics: EventsGatewayMetrics,
    private readonly clock: Clock,
  ) {}

  /** A bus in memory forgot what it held when the last process ended: everything pending is due. */
  async begin(): Promise<void> {
    if (!this.bus.durable) await this.repository.makeDue();
  }

  /** Sends what there is, or waits for it, a second at most. Answers what was due and cannot be read. */
  async step(): Promise<readonly UnreadableEvent[]> {
    await this.gather();
    const fresh = this.outbox.takeFresh(groupSize);
    if (fresh.length > 0) await this.send(fresh.map((event) => ({ event, pending: everyConsumer, first: true })));
    const sweeps = this.outbox.takeBacklog() || this.clock.monotonic() - this.sweptAt > sweepMs;
    const unreadable = sweeps ? await this.sweep() : [];
    await this.outbox.wait(sweepMs);
    return unreadable;
  }

  /** Events that wait for room in a full queue are given up; they are still due. */
  stop(): void {
    this.stopping = true;
    this.outbox.wake();
  }

  /** Not sooner than `gatherMs` after the last time, so that events travel in groups. */
  private async gather(): Promise<void> {
    const rest = gatherMs - (this.clock.monotonic() - this.sentAt);
    const { waiting } = this.outbox;
    if (rest > 0 && waiting > 0 && waiting < groupSize) await sleep(rest);
    this.sentAt = this.clock.monotonic();
  }

  private async sweep(): Promise<readonly UnreadableEvent[]> {
    this.sweptAt = this.clock.monotonic();
    const reachable = this.reachable();
    const { due, events, unreadable } =
      reachable === 0 ? nothing : await this.repository.claimDue(groupSize, reachable);
    if (due === groupSize) this.outbox.wake();
    const oldest = await this.repository.oldestDue();
    this.metrics.lag(oldest === undefined ? 0 : this.clock.now() - oldest);
    await this.send(events);
    return unreadable;
  }

  private reachable(): number {
    const reached = Object.entries(consumerBits).filter(([consumer]) => this.bus.reaches(acceptedEvents, consumer));
    return reached.reduce((mask, [, bit]) => mask | bit, 0);
  }

  private async send(events: readonly PendingEvent[]): Promise<void> {
    const reachable = this.reachable();
    const messages = events.map(({ event, pending }) => ({ pending, message: toMessage(event) }));
    for (const [consumer, bit] of Object.entries(consumerBits)) {
      if ((reachable & bit) === 0) continue;
      await this.publish(
        consumer,
        messages.filter(({ pending }) => (pending & bit) !== 0).map(({ message }) => message),
      );
    }
    await this.advise(messages.filter((_message, i) => events[i]?.first).map(({ message }) => message));
  }

  /** Never waits: what an advisor has no room for is dropped. */
  private async advise(messages: readonly BusMessage<AcceptedEvent>[]): Promise<void> {
    if (messages.length === 0) return;
    for (const advisor of advisors)
      if (this.bus.reaches(acceptedEvents, advisor)) await this.bus.publish(acceptedEvents, advisor, messages);
  }

  /** Waits for a consumer whose queue is full; meanwhile new events stay in the journal. */
  private async publish(consumer: string, messages: readonly BusMessage<AcceptedEvent>[]): Promise<void> {
    let rest = messages;
    while (rest.length > 0 && !this.stopping) {
      const taken = await this.bus.publish(acceptedEvents, consumer, rest);
      rest = rest.slice(taken);
      if (rest.length > 0) await sleep(fullQueueMs);
    }
  }
}

function toMessage(event: GameEvent): BusMessage<AcceptedEvent> {
  return { key: event.playerId, body: toAcceptedEvent(event) };
}
