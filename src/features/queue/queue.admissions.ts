import { live, type TicketRow } from './queue.entity';

// The latest admissions are kept for so many times that all places are given, but for at least so many of them.
const generations = 5;
const minKept = 50;
// A large room keeps every second of them, or every tenth: so many points say how it went.
const maxPoints = 500;
// While more of the places are with those who had them first, the quick ones alone are known.
const maxFirstHeld = 0.1;

/** An admission that was measured. */
export interface Admission {
  /** How many were before it. */
  readonly nth: number;
  readonly at: number;
  /** The largest place that was admitted before it. */
  readonly before: number;
}

/** How fast a line goes, by its cycles: in one all places are given once. */
export interface Pace {
  /** The place behind the last one that was called. */
  readonly reached: number;
  readonly cycleMs: number;
  /** The deviation of that time from one cycle to another, as a share of it. */
  readonly variation: number;
  /** How many cycles tell the variation, and over how many the time is averaged. */
  readonly cycles: number;
  readonly averaged: number;
  /** How many places the line went on by, and the part of them that was admitted. */
  readonly passed: number;
  readonly admittedShare: number;
  /** By how much admissions are before or behind an even line. */
  readonly unevenMs: number;
}

/**
 * The admissions of a room as they are measured. Its places are filled at once when it opens, which says nothing of how fast
 * it goes on: only a place that was given again does.
 */
export class Admissions {
  readonly latest: Admission[] = [];
  /** The most places that were taken at once. */
  places = 1;
  /** The largest place that was admitted. */
  reached = 0;
  /** How many were measured. */
  count = 0;
  private readonly measured = new Set<number>();
  /** Those of the first fill who have not ended. */
  private readonly firstHeld = new Set<number>();

  /** Takes in tickets as they are now. `taken`: places that are. */
  take(tickets: readonly TicketRow[], taken: number): void {
    this.places = Math.max(this.places, taken);
    for (const { number, status } of tickets) if (!live.includes(status)) this.firstHeld.delete(number);
    const fresh = tickets.filter(({ number, admittedAt }) => admittedAt > 0 && !this.measured.has(number));
    if (fresh.length === 0) return;
    for (const { number } of fresh) this.measured.add(number);
    const inOrder = this.complete(fresh).sort((a, b) => a.admittedAt - b.admittedAt);
    if (this.count === 0)
      this.reached = inOrder.reduce((least, { place }) => Math.min(least, place), Number.POSITIVE_INFINITY) - 1;
    for (const ticket of inOrder) this.add(ticket);
    const kept = this.count - Math.max(minKept, generations * this.places);
    const from = this.latest.findIndex(({ nth }) => nth >= kept);
    if (from > 0) this.latest.splice(0, from);
  }

  /** Whether too many places were not given again yet. */
  areFirstHeld(): boolean {
    return this.firstHeld.size > this.places * maxFirstHeld;
  }

  /** A room that is read for the first time tells only the latest of those who have ended: before them some are missing. */
  private complete(fresh: readonly TicketRow[]): TicketRow[] {
    const ended = fresh.filter(({ status }) => !live.includes(status));
    if (this.count > 0 || ended.length === 0) return [...fresh];
    const since = ended.reduce((oldest, { admittedAt }) => Math.min(oldest, admittedAt), Number.POSITIVE_INFINITY);
    return fresh.filter(({ admittedAt }) => admittedAt >= since);
  }

  private add({ admittedAt: at, place, number, status }: TicketRow): void {
    const last = this.latest.at(-1);
    const every = Math.ceil((generations * this.places) / maxPoints);
    const point = { nth: this.count, at, before: this.reached };
    this.reached = Math.max(this.reached, place);
    // The last one is always there.
    if (last && last.nth % every !== 0) this.latest[this.latest.length - 1] = point;
    else this.latest.push(point);
    if (this.count < this.places && live.includes(status)) this.firstHeld.add(number);
    this.count += 1;
  }
}
