import type { Reservation } from '../../../src/generated/aerie/reservations/v1/reservations';

export const seats = ['A1', 'A2', 'A3', 'A4'];
export const limits = { floor: 10, maxPerUser: 6, holdMs: 60_000 };

export interface Held {
  readonly told: Reservation;
  readonly quantity: number;
  readonly seats: readonly string[];
  until: number;
  status: string;
  paymentId?: string;
  /** What was told of its payment last. */
  payment?: 'authorized' | 'capture_refused' | 'refunding' | 'refunded';
}

/** What a sale should look like, reckoned without a database. */
export class Model {
  now = 0;
  paused = false;
  readonly all: Held[] = [];

  /** What still takes places. */
  get taking(): Held[] {
    return this.all.filter((one) => ['confirmed', 'refunding'].includes(one.status) || this.isHeld(one));
  }

  isHeld(one: Held): boolean {
    return one.status === 'held' && this.now < one.until;
  }

  statusOf(one: Held): string {
    return one.status === 'held' && !this.isHeld(one) ? 'expired' : one.status;
  }

  get floor(): number {
    return (
      limits.floor - this.taking.filter((one) => one.seats.length === 0).reduce((sum, one) => sum + one.quantity, 0)
    );
  }

  isTaken(seat: string): boolean {
    return this.taking.some((one) => one.seats.includes(seat));
  }

  countOf(user: string): number {
    return this.taking.filter(({ told }) => told.userId === user).reduce((sum, one) => sum + one.quantity, 0);
  }

  /** The code of a hold that is asked for now. */
  judge(user: string, wanted: number | readonly string[]): string {
    if (this.paused) return 'sale_paused';
    const quantity = typeof wanted === 'number' ? wanted : wanted.length;
    if (this.countOf(user) + quantity > limits.maxPerUser) return 'limit_exceeded';
    if (typeof wanted === 'number') return wanted <= this.floor ? 'ok' : 'sold_out';
    return wanted.some((seat) => this.isTaken(seat)) ? 'seats_taken' : 'ok';
  }
}
