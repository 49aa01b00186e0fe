import { absentOrText, body, oneOf, text, whole } from '../../shared/bus/body';
import { newsOf } from '../../shared/outbox/news';

/** What has become of a reservation. Its amount is in the smallest unit of the currency. */
export interface ReservationNews {
  readonly reservationId: string;
  readonly saleId: string;
  readonly userId: string;
  /** `refunded`: the money is back and the seats are free. `revoked`: the capture was refused for good. */
  readonly status: 'confirmed' | 'cancelled' | 'expired' | 'refunded' | 'revoked';
  readonly amount: number;
  readonly currency: string;
  /** How many seats. */
  readonly quantity: number;
  /** Of a grant of the waiting room, its jti. */
  readonly grant?: string;
  /** What it was confirmed by. */
  readonly paymentId?: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Keyed by reservation. */
export const reservationNews = newsOf<ReservationNews>(
  'reservations',
  body({
    reservationId: text,
    saleId: text,
    userId: text,
    status: oneOf('confirmed', 'cancelled', 'expired', 'refunded', 'revoked'),
    amount: whole,
    currency: text,
    quantity: whole,
    grant: absentOrText,
    paymentId: absentOrText,
    at: whole,
  }),
);
