import { Admissions, type Pace } from './queue.admissions';
import { live, type RoomRow, type TicketRow, type TicketStatus } from './queue.entity';
import type { RoomChanges } from './queue.repository';

/** Somebody in the line. Times: milliseconds since 1970. */
export interface Waiter {
  readonly ticketHash: string;
  readonly number: number;
  place: number;
  status: TicketStatus;
  readyUntil: number;
  /** When rows say it was seen. */
  seenAt: number;
  /** When it was told for the first time how long it would take: until then. */
  expectedAt?: number;
}

/**
 * A room as rows were when they were read last: who is where, without asking the database. It takes in what has changed, and
 * counts who is before a place in a binary indexed tree.
 */
export class QueueLine {
  readonly waiters = new Map<string, Waiter>();
  readonly admissions = new Admissions();
  /** Those who may enter. */
  readonly called = new Set<Waiter>();
  room: RoomRow | undefined;
  /** As it was reckoned at `asOf`. */
  pace: { readonly at: number; readonly pace: Pace | undefined } | undefined;
  /** The last change that it has taken in. */
  seenChange = 0;
  /** The database's time of what is here. */
  asOf = 0;
  private readonly byPlace: (Waiter | undefined)[] = [];
  private readonly ahead = new Counts();
  private readonly counts = new Map<TicketStatus, number>();
  private head = 0;

  take({ room, tickets, now }: RoomChanges): void {
    for (const row of tickets) {
      this.put(row, this.waiters.get(row.ticketHash));
      this.seenChange = Math.max(this.seenChange, row.changed);
    }
    this.admissions.take(tickets, this.taken);
    this.seenChange = Math.max(this.seenChange, room.changes);
    this.room = room;
    this.asOf = Math.max(this.asOf, now);
  }

  countOf(...statuses: readonly TicketStatus[]): number {
    return statuses.reduce((sum, status) => sum + (this.counts.get(status) ?? 0), 0);
  }

  /** Places that are not free. */
  get taken(): number {
    return this.countOf('ready', 'admitted');
  }

  /** How many in the line are before this place: those who were called and have not entered are. */
  aheadOf(place: number): number {
    return this.ahead.before(place);
  }

  /** Those who wait, in order. */
  *waiting(): Generator<Waiter> {
    while (this.head < this.byPlace.length && this.byPlace[this.head] === undefined) this.head += 1;
    for (let place = this.head; place < this.byPlace.length; place += 1) {
      const waiter = this.byPlace[place];
      if (waiter?.status === 'waiting') yield waiter;
    }
  }

  private put(row: TicketRow, before: Waiter | undefined): void {
    if (before) this.remove(before);
    if (!live.includes(row.status)) return;
    const { ticketHash, number, place, status, readyUntil } = row;
    const seenAt = Math.max(row.seenAt, before?.seenAt ?? 0);
    const after: Waiter = before ?? { ticketHash, number, place, status, readyUntil, seenAt };
    Object.assign(after, { place, status, readyUntil, seenAt });
    this.waiters.set(ticketHash, after);
    this.counts.set(status, this.countOf(status) + 1);
    if (status === 'ready') this.called.add(after);
    if (inLine(status)) {
      this.byPlace[place] = after;
      this.head = Math.min(this.head, place);
      this.ahead.add(place, 1);
    }
  }

  private remove(waiter: Waiter): void {
    const { place, status, ticketHash } = waiter;
    this.waiters.delete(ticketHash);
    this.called.delete(waiter);
    this.counts.set(status, this.countOf(status) - 1);
    if (!inLine(status)) return;
    this.ahead.add(place, -1);
    // By a draw somebody else may be there already.
    if (this.byPlace[place] === waiter) this.byPlace[place] = undefined;
  }
}

function inLine(status: TicketStatus): boolean {
  return status === 'waiting' || status === 'ready';
}

/** How many are before a place. Source: Fenwick, A new data structure for cumulative frequency tables, 1994 */
class Counts {
  private sums: number[] = [0];

  add(place: number, by: number): void {
    while (this.sums.length <= place) this.grow();
    for (let i = place; i < this.sums.length; i += i & -i) this.sums[i] = (this.sums[i] ?? 0) + by;
  }

  /** Of places smaller than this one. */
  before(place: number): number {
    return this.upTo(Math.min(place, this.sums.length) - 1);
  }

  private upTo(place: number): number {
    let sum = 0;
    for (let i = place; i > 0; i -= i & -i) sum += this.sums[i] ?? 0;
    return sum;
  }

  /** The next place sums those that its number spans. */
  private grow(): void {
    const next = this.sums.length;
    this.sums.push(this.upTo(next - 1) - this.upTo(next - (next & -next)));
  }
}
