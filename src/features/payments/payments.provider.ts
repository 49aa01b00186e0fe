import type { ReceiveWebhookRequest } from '../../generated/aerie/payments/v1/payments';
import type { OperationKind, OperationState } from './payments.entity';

/** What a provider is asked to do with one payment's money. */
export interface Order {
  /** Of the operation, each time the same: the provider does it once. */
  readonly key: string;
  readonly kind: OperationKind;
  readonly paymentId: string;
  /** In the smallest unit of the currency. */
  readonly amount: number;
  readonly currency: string;
  readonly method: string | null;
  /** What the provider calls the charge, and the refund, where it has said so. */
  readonly chargeId: string | null;
  readonly refundId: string | null;
}

/** What a provider says of an order. `pending`: it goes on, and is to be asked again. The others are for good. */
export interface Outcome {
  readonly state: OperationState;
  readonly chargeId?: string;
  readonly refundId?: string;
  /** Why it was refused, in the provider's word; `captured`: there is nothing to void since the money was taken. */
  readonly reason?: string;
  /** What the provider's own form needs. */
  readonly clientSecret?: string;
}

/** What a provider tells by itself. Events may come twice, late, in any order, and before the answer of the call behind them. */
export interface ProviderEvent {
  readonly eventId: string;
  readonly kind: OperationKind;
  readonly paymentId: string;
  /** Of a refund: the order's. */
  readonly key?: string;
  readonly outcome: Outcome;
}

/**
 * Somebody who moves money. An order with the same key is done once, however often it is sent, and has the same answer. What
 * throws is no answer: whether the order was carried out is not known, and it has to be sent again.
 */
export abstract class PaymentProvider {
  abstract readonly name: 'simulator' | 'stripe';

  /** Sets the money aside. */
  abstract authorize(order: Order): Promise<Outcome>;
  /** Takes what was set aside. */
  abstract capture(order: Order): Promise<Outcome>;
  /** Lets go of what was set aside. */
  abstract void(order: Order): Promise<Outcome>;
  /** Gives back what was taken, or a part of it. */
  abstract refund(order: Order): Promise<Outcome>;
  /** How an order stands, by the provider's ids or by its key; undefined: the provider does not know of it. */
  abstract find(order: Order): Promise<Outcome | undefined>;
  /** Verifies and reads a webhook; undefined for an event that says nothing of money here. @throws AppError signature_invalid */
  abstract parseWebhook(request: ReceiveWebhookRequest): Promise<ProviderEvent | undefined>;
}
