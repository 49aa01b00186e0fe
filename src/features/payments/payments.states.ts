/** What a payment can be. See `edges`. */
export const statuses = [
  'pending',
  'processing',
  'authorized',
  'completed',
  'partially_refunded',
  'refunded',
  'cancelled',
  'expired',
  'failed',
] as const;

export type PaymentStatus = (typeof statuses)[number];

/** What can follow. `authorized` -> `failed`: the capture was refused for good. What has no followers never changes. */
export const edges: Readonly<Record<PaymentStatus, readonly PaymentStatus[]>> = {
  pending: ['processing', 'cancelled', 'expired'],
  processing: ['authorized', 'failed', 'cancelled', 'expired'],
  authorized: ['completed', 'failed', 'cancelled', 'expired'],
  completed: ['partially_refunded', 'refunded'],
  partially_refunded: ['partially_refunded', 'refunded'],
  refunded: [],
  cancelled: [],
  expired: [],
  failed: [],
};

/** A reservation has one payment at most that is not over. */
export function isOver(status: PaymentStatus): boolean {
  return edges[status].length === 0;
}

/** What became of a reservation, as far as its money is concerned. */
export type ReservationEnd = 'confirmed' | 'cancelled' | 'expired' | 'refunded' | 'revoked';

/** What a payment becomes whose reservation ended otherwise before any money had moved. */
export function statusAfter(end: ReservationEnd): 'expired' | 'cancelled' {
  return end === 'expired' ? 'expired' : 'cancelled';
}
