import type { RoomRow, TicketRow, TicketStatus } from '../../../src/features/queue/queue.entity';
import { etaOf } from '../../../src/features/queue/queue.forecast';
import { QueueLine } from '../../../src/features/queue/queue.line';

// A waiting room without a server: places are given, held for a while and given again, and its line is asked meanwhile.

export type Random = () => number;

export interface Loop {
  readonly seed: number;
  readonly people: number;
  readonly places: number;
  /** How long somebody who begins at `now` has a place, in milliseconds. */
  readonly hold: (random: Random, now: number) => number;
  /** The part of all who are never called. */
  readonly absent?: number;
}

/** What somebody who waits was told, and how long it took, in seconds. */
export interface Told {
  readonly at: number;
  readonly place: number;
  readonly p50: number;
  readonly p90: number;
  readonly waited: number;
}

const tickMs = 250;
const asked = 60;

export function randomOf(seed: number): Random {
  let state = seed * 7919 + 13;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

/** Of a normal distribution. Source: Box and Muller, 1958 */
export function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random());
}

interface Person {
  readonly number: number;
  readonly isAbsent: boolean;
  status: TicketStatus;
  calledAt: number;
  admittedAt: number;
  endsAt: number;
}

class ClosedLoop {
  readonly line = new QueueLine();
  readonly people: Person[];
  private readonly random: Random;
  private readonly inside = new Set<Person>();
  private head = 0;
  private changes = 1;

  constructor(private readonly loop: Loop) {
    this.random = randomOf(loop.seed);
    this.people = Array.from({ length: loop.people }, (_, i) => {
      const isAbsent = this.random() < (loop.absent ?? 0);
      return { number: i + 1, isAbsent, status: 'waiting' as const, calledAt: 0, admittedAt: 0, endsAt: 0 };
    });
    this.take(this.people, 0);
  }

  /** Whether anybody waits. */
  step(now: number): boolean {
    const changed = new Set<Person>();
    for (const person of this.inside) {
      const status = person.endsAt <= now ? 'done' : person.admittedAt <= now ? 'admitted' : 'ready';
      if (status !== person.status) changed.add(person);
      person.status = status;
      if (status === 'done') this.inside.delete(person);
    }
    for (const person of this.call(now)) changed.add(person);
    this.take([...changed], now);
    return this.head < this.people.length;
  }

  private *call(now: number): Generator<Person> {
    while (this.inside.size < this.loop.places && this.head < this.people.length) {
      const person = this.people[this.head] as Person;
      this.head += 1;
      if (person.isAbsent) continue;
      const admittedAt = now + 500 + 1000 * this.random();
      const endsAt = admittedAt + this.loop.hold(this.random, now);
      Object.assign(person, { status: 'ready', calledAt: now, admittedAt, endsAt });
      this.inside.add(person);
      yield person;
    }
  }

  private take(people: readonly Person[], now: number): void {
    this.changes += 1;
    const room = { saleId: 'sale', changes: this.changes, bought: 0, unsold: 0, quantity: 0 } as RoomRow;
    this.line.take({ room, tickets: people.map((person) => this.rowOf(person)), now });
  }

  private rowOf({ number, status, admittedAt }: Person): TicketRow {
    const admitted = status === 'admitted' || status === 'done' ? admittedAt : 0;
    const times = { readyUntil: 0, seenAt: 0, admittedAt: admitted, changed: this.changes };
    return { ticketHash: `t${number}`, number, place: number, status, ...times } as TicketRow;
  }
}

/** What those who waited at these times were told, in milliseconds after the opening. */
export function toldIn(loop: Loop, times: readonly number[]): Told[] {
  const room = new ClosedLoop(loop);
  const told: (Omit<Told, 'waited'> & { readonly person: Person })[] = [];
  for (let now = 0; room.step(now); now += tickMs) {
    if (!times.includes(now)) continue;
    const waiting = room.people.filter(({ status, isAbsent }) => status === 'waiting' && !isAbsent);
    for (const person of waiting.filter((_, i) => i % Math.ceil(loop.people / asked) === 0)) {
      const { p50Seconds: p50, p90Seconds: p90 } = etaOf(room.line, person.number, now);
      if (p50 !== undefined && p90 !== undefined) told.push({ at: now, place: person.number, p50, p90, person });
    }
  }
  return told.map(({ person, ...rest }) => ({ ...rest, waited: (person.calledAt - rest.at) / 1000 }));
}
