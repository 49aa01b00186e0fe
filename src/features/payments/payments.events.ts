import { body, oneOf, text, whole } from '../../shared/bus/body';
import { newsOf } from '../../shared/outbox/news';

/** What has become of a payment. Amounts are in the smallest unit of the currency. */
export interface PaymentNews {
  readonly paymentId: string;
  readonly reservationId: string;
  readonly userId: string;
  /**
   * `authorized`: the money is set aside, and the reservation may be confirmed. `capture_refused`: an authorized payment was
   * refused for good, and its reservation is not paid. `refunding`: all of it is on its way back. `refunded`: all of it is.
   */
  readonly status: 'authorized' | 'capture_refused' | 'refunding' | 'refunded';
  readonly amount: number;
  readonly currency: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Keyed by payment. */
export const paymentNews = newsOf<PaymentNews>(
  'payments',
  body({
    paymentId: text,
    reservationId: text,
    userId: text,
    status: oneOf('authorized', 'capture_refused', 'refunding', 'refunded'),
    amount: whole,
    currency: text,
    at: whole,
  }),
);
