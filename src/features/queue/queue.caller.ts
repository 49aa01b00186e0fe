import { Injectable } from '@nestjs/common';
import { asInternal } from '../../shared/auth/caller';
import { ReservationsApi } from '../reservations/reservations.api';
import type { TicketRow } from './queue.entity';
import type { QueueLine, Waiter } from './queue.line';
import { QueueMetrics } from './queue.metrics';
import { QueuePresence } from './queue.presence';
import { QueueRepository } from './queue.repository';
import { isOver, QueueRooms, type RoomRules } from './queue.rooms';
import { QueueRounds, sharedMs } from './queue.rounds.repository';

// Of one round; the next one goes on. Whoever is among the first so many of all who are present is among the first so many of
// one process, too: so far it tells the others.
const maxCalled = 500;
const lookAt = 1000;
const maxVoided = 500;
// At a time: reservations decides about each.
const voidedAtOnce = 25;
// A room is looked after so often, though nothing is due.
const tendMs = 2000;

interface Called {
  readonly call: readonly number[];
  readonly here: readonly number[];
}

const nobody: Called = { call: [], here: [] };

/** Calls those who are present, as many as places are free, and finds out which places are free again. */
@Injectable()
export class QueueCaller {
  /** Who was seen by this process since rows were told. */
  private readonly seen = new Map<string, Set<Waiter>>();
  /** When other processes were told who is near the head, and until when each counts as present there, by number. */
  private readonly told = new Map<string, { readonly at: number; readonly until: Map<number, number> }>();

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
    const { call, here } = over ? nobody : await this.present(saleId, line, rules);
    const seen = this.seenIn(saleId, line, rules);
    if (call.length + here.length + seen.length === 0 && !isDue(line, rules)) return;
    const { activePlaces, readyMs, silenceMs, drawAt } = rules;
    const paused = rules.state === 'paused';
    const plan = { saleId, drawAt, activePlaces, readyMs, silenceMs, over, paused, call, here };
    const { called, now } = await this.rounds.run({ ...plan, seen: seen.map(({ number }) => number) });
    for (const waiter of seen) waiter.seenAt = now;
    for (const ticket of called) this.tell(line, ticket, now);
    await this.rooms.refreshed(saleId);
  }

  /** Voids grants that have run out: then their places are free. True when there may be more. */
  async freePlaces(): Promise<boolean> {
    const due = await this.repository.voidable(maxVoided);
    for (let from = 0; from < due.length; from += voidedAtOnce)
      await this.giveBack(due.slice(from, from + voidedAtOnce));
    return due.length === maxVoided;
  }

  /**
   * The grants of these are worth nothing, and their places are free. One that was used has a hold, whose end is announced. Not
   * in a transaction, since reservations decides. Whose grant ran out while the sale was paused has a turn again.
   */
  async giveBack(tickets: readonly TicketRow[]): Promise<void> {
    const bySale = new Map<string, TicketRow[]>();
    const settle = async (ticket: TicketRow): Promise<void> => {
      const { grantId, saleId, userId } = ticket;
      const { voided } = await asInternal(() => this.reservations.voidGrant({ jti: grantId ?? '', saleId, userId }));
      if (voided) bySale.set(saleId, [...(bySale.get(saleId) ?? []), ticket]);
      else await this.repository.held(ticket);
    };
    const outcomes = await Promise.allSettled(tickets.map(settle));
    for (const [saleId, voided] of bySale) {
      const { readyMs, state } = await this.rooms.rulesOf(saleId);
      await this.repository.voided(saleId, voided, { readyMs, paused: state === 'paused' });
    }
    // The others were freed.
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }

  /**
   * The numbers of the first who are present: `call` while the sale lets them buy, and `here` who is to be told of to other
   * processes. SQLite has none.
   */
  private async present(saleId: string, line: QueueLine, rules: RoomRules): Promise<Called> {
    if (line.countOf('waiting') === 0) this.told.delete(saleId);
    if (line.countOf('waiting') === 0) return nobody;
    const isShared = this.repository.db.kind !== 'sqlite';
    const { at, until } = this.told.get(saleId) ?? { at: 0, until: new Map<number, number>() };
    const free = await this.freeIn(saleId, line, rules);
    if (free === 0 && !(isShared && line.asOf - at >= sharedMs / 2)) return nobody;
    const head = await this.head(saleId, line, isShared ? maxCalled : free);
    const call = head.slice(0, free);
    if (!isShared) return { call, here: [] };
    const here = head.filter((number) => (until.get(number) ?? 0) - line.asOf < sharedMs / 2);
    for (const [number, known] of until) if (known <= line.asOf) until.delete(number);
    for (const number of here) until.set(number, line.asOf + sharedMs);
    this.told.set(saleId, { at: line.asOf, until });
    return { call, here };
  }

  /** How many may be called now. */
  private async freeIn(saleId: string, line: QueueLine, rules: RoomRules): Promise<number> {
    const free = Math.min(rules.activePlaces - line.taken, maxCalled);
    const isOpen = rules.state === 'open' && line.asOf >= rules.saleOpensAt;
    if (free <= 0 || !isOpen) return 0;
    return (await this.rooms.leftOf(saleId)) === 0 ? 0 : free;
  }

  /** The numbers of the first of the line who are present. */
  private async head(saleId: string, line: QueueLine, max: number): Promise<number[]> {
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
      if (found.length >= max) break;
    }
    if (looked.length > 0) await look();
    return found.slice(0, max);
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
function isDue({ room, asOf, called }: QueueLine, { drawAt, state, readyMs }: RoomRules): boolean {
  if (!room || asOf - room.tendedAt >= tendMs) return true;
  if (room.drawn === 0 && drawAt !== undefined && asOf >= drawAt) return true;
  const until = state === 'paused' ? asOf + readyMs / 2 : asOf;
  for (const { readyUntil } of called) if (readyUntil <= until) return true;
  return false;
}
