import { Injectable } from '@nestjs/common';
import { asInternal } from '../../shared/auth/caller';
import { ReservationsApi } from '../reservations/reservations.api';
import type { TicketRow } from './queue.entity';
import type { QueueLine, Waiter } from './queue.line';
import { QueueMetrics } from './queue.metrics';
import { QueuePresence } from './queue.presence';
import { QueueRepository } from './queue.repository';
import { isOver, QueueRooms, type RoomRules } from './queue.rooms';
import { QueueRounds } from './queue.rounds.repository';

// Of one round; the next one goes on.
const maxCalled = 5000;
const lookAt = 1000;
const maxVoided = 100;
// A room is looked after so often, though nothing is due.
const tendMs = 2000;

/** Calls those who are present, as many as places are free, and finds out which places are free again. */
@Injectable()
export class QueueCaller {
  /** Who was seen by this process since rows were told. */
  private readonly seen = new Map<string, Set<Waiter>>();

  constructor(
    private readonly rooms: QueueRooms,
    private readonly repository: QueueRepository,
    private readonly rounds: QueueRounds,
    private readonly presence: QueuePresence,
    private readonly reservations: ReservationsApi,
    private readonly metrics: QueueMetrics,
  ) {}

  /** Somebody has asked, and counts as present for this long. */
  saw(saleId: string, waiter: Waiter, forMs: number): void {
    this.presence.see({ saleId, ticketHash: waiter.ticketHash }, forMs);
    const room = this.seen.get(saleId) ?? new Set<Waiter>();
    this.seen.set(saleId, room);
    room.add(waiter);
  }

  /** One round of a room. */
  async round(saleId: string): Promise<void> {
    const line = await this.rooms.refreshed(saleId);
    const rules = await this.rooms.rulesOf(saleId);
    await this.presence.flush();
    const over = isOver(rules, line.asOf);
    const call = over ? [] : await this.present(saleId, line, rules);
    const seen = this.seenIn(saleId, line, rules);
    if (call.length === 0 && seen.length === 0 && !isDue(line, rules)) return;
    const { activePlaces, readyMs, silenceMs, drawAt } = rules;
    const plan = { saleId, drawAt, activePlaces, readyMs, silenceMs, over, call };
    const { called, now } = await this.rounds.run({ ...plan, seen: seen.map(({ number }) => number) });
    for (const waiter of seen) waiter.seenAt = now;
    for (const ticket of called) this.tell(line, ticket, now);
    await this.rooms.refreshed(saleId);
  }

  /**
   * Voids grants that have run out: then their places are free. One that was used has a hold, whose end is announced. Not in
   * a transaction, since reservations decides.
   */
  async freePlaces(): Promise<boolean> {
    const due = await this.repository.voidable(maxVoided);
    for (const ticket of due) {
      const { grantId, saleId, userId } = ticket;
      const { voided } = await asInternal(() => this.reservations.voidGrant({ jti: grantId ?? '', saleId, userId }));
      if (voided) await this.repository.voided(ticket);
      else await this.repository.held(ticket);
    }
    return due.length === maxVoided;
  }

  /** The numbers of the first who are present, while the sale lets them buy. */
  private async present(saleId: string, line: QueueLine, rules: RoomRules): Promise<number[]> {
    const free = Math.min(rules.activePlaces - line.taken, maxCalled);
    const isOpen = rules.state === 'open' && line.asOf >= rules.saleOpensAt;
    if (free <= 0 || !isOpen || line.countOf('waiting') === 0) return [];
    if ((await this.rooms.leftOf(saleId)) === 0) return [];
    const found: number[] = [];
    let looked: Waiter[] = [];
    const look = async (): Promise<void> => {
      const here = await this.presence.among(
        saleId,
        looked.map(({ ticketHash }) => ticketHash),
      );
      for (const { ticketHash, number } of looked) if (here.has(ticketHash)) found.push(number);
      looked = [];
    };
    for (const waiter of line.waiting()) {
      looked.push(waiter);
      if (looked.length === lookAt) await look();
      if (found.length >= free) break;
    }
    if (looked.length > 0) await look();
    return found.slice(0, free);
  }

  /** Those whose rows are to be told that they were seen: each once in a tenth of the silence. */
  private seenIn(saleId: string, line: QueueLine, { silenceMs }: RoomRules): Waiter[] {
    const room = this.seen.get(saleId);
    this.seen.delete(saleId);
    const old = line.asOf - silenceMs / 10;
    return [...(room ?? [])].filter(({ seenAt, status }) => seenAt <= old && status !== 'admitted');
  }

  private tell(line: QueueLine, { joinedAt, ticketHash }: TicketRow, now: number): void {
    const expectedAt = line.waiters.get(ticketHash)?.expectedAt;
    this.metrics.called(now - joinedAt, expectedAt === undefined ? undefined : Math.abs(now - expectedAt));
  }
}

/** Something happens by itself; silences are looked for every two seconds. */
function isDue({ room, asOf, called }: QueueLine, { drawAt }: RoomRules): boolean {
  if (!room || asOf - room.tendedAt >= tendMs) return true;
  if (room.drawn === 0 && drawAt !== undefined && asOf >= drawAt) return true;
  for (const { readyUntil } of called) if (readyUntil <= asOf) return true;
  return false;
}
