import type Stripe from 'stripe';
import type { ReceiveWebhookRequest } from '../../generated/aerie/payments/v1/payments';
import { signatureInvalid } from './payments.errors';
import { type Order, type Outcome, PaymentProvider, type ProviderEvent } from './payments.provider';

export interface StripeOptions {
  readonly secretKey: string;
  readonly webhookSecret: string;
  /** Another server that speaks as Stripe does. */
  readonly apiUrl: string | undefined;
}

/** Where Stripe is. */
export const stripeUrl = 'https://api.stripe.com';
const toleranceSeconds = 300;
const maxRefunds = 100;

/**
 * Stripe, by its own client, which is loaded when it is first needed. A payment is a PaymentIntent that is captured by hand;
 * without a `method` the buyer's own client confirms it with the client secret. Source: https://docs.stripe.com/api
 */
export class StripeProvider extends PaymentProvider {
  override readonly name = 'stripe';
  private loading: Promise<Stripe> | undefined;

  constructor(private readonly options: StripeOptions) {
    super();
  }

  override async authorize({ key, paymentId, amount, currency, method }: Order): Promise<Outcome> {
    const stripe = await this.client();
    const asked: Stripe.PaymentIntentCreateParams = {
      amount,
      currency: currency.toLowerCase(),
      capture_method: 'manual',
      automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
      metadata: { payment_id: paymentId, operation: key },
      ...(method !== null && { payment_method: method, confirm: true }),
    };
    return answered(async () => authorization(await stripe.paymentIntents.create(asked, { idempotencyKey: key })));
  }

  override async capture({ key, chargeId, amount }: Order): Promise<Outcome> {
    if (chargeId === null) return noCharge;
    const stripe = await this.client();
    const asked = { amount_to_capture: amount };
    return answered(async () => {
      const intent = await stripe.paymentIntents.capture(chargeId, asked, { idempotencyKey: key });
      return taking(intent);
    }, taking);
  }

  override async void({ key, chargeId }: Order): Promise<Outcome> {
    if (chargeId === null) return noCharge;
    const stripe = await this.client();
    return answered(async () => {
      const intent = await stripe.paymentIntents.cancel(chargeId, {}, { idempotencyKey: key });
      return release(intent);
    }, release);
  }

  override async refund({ key, paymentId, chargeId, amount }: Order): Promise<Outcome> {
    if (chargeId === null) return noCharge;
    const stripe = await this.client();
    const asked = { payment_intent: chargeId, amount, metadata: { payment_id: paymentId, operation: key } };
    return answered(async () => returning(await stripe.refunds.create(asked, { idempotencyKey: key })));
  }

  override async find(order: Order): Promise<Outcome | undefined> {
    const { kind, chargeId } = order;
    const stripe = await this.client();
    if (kind === 'refund') return this.findRefund(stripe, order);
    if (chargeId !== null) {
      const intent = await stripe.paymentIntents.retrieve(chargeId);
      if (kind === 'authorize') return authorization(intent);
      const outcome = kind === 'capture' ? taking(intent) : release(intent);
      // It was not done yet: that is no answer.
      return outcome.state === 'pending' ? undefined : outcome;
    }
    const query = `metadata['operation']:'${order.key}'`;
    const [intent] = (await stripe.paymentIntents.search({ query, limit: 1 })).data;
    return intent && authorization(intent);
  }

  override async parseWebhook(request: ReceiveWebhookRequest): Promise<ProviderEvent | undefined> {
    const { timestamp, signatures, body } = request;
    const stripe = await this.client();
    const header = [`t=${timestamp}`, ...signatures.map((one) => `v1=${one}`)].join(',');
    let event: Stripe.Event;
    try {
      event = stripe.webhooks.constructEvent(body, header, this.options.webhookSecret, toleranceSeconds);
    } catch {
      // Whatever it was, a sender learns nothing but that it was not taken.
      throw signatureInvalid();
    }
    return toEvent(event);
  }

  /** Asks what changes nothing there and shows nobody's payment: for one of an operation that is none. Answers the API's version. */
  async ask(): Promise<string | undefined> {
    const stripe = await this.client();
    const nothing = { query: "metadata['operation']:'nothing'", limit: 1 };
    const { lastResponse } = await stripe.paymentIntents.search(nothing);
    return lastResponse.apiVersion;
  }

  private async findRefund(stripe: Stripe, { key, chargeId, refundId }: Order): Promise<Outcome | undefined> {
    if (refundId !== null) return returning(await stripe.refunds.retrieve(refundId));
    if (chargeId === null) return undefined;
    const { data } = await stripe.refunds.list({ payment_intent: chargeId, limit: maxRefunds });
    const refund = data.find(({ metadata }) => metadata?.operation === key);
    return refund && returning(refund);
  }

  private client(): Promise<Stripe> {
    this.loading ??= this.load();
    return this.loading;
  }

  private async load(): Promise<Stripe> {
    const { default: Client } = await import('stripe');
    const { secretKey, apiUrl } = this.options;
    const { hostname, port, protocol } = new URL(apiUrl ?? stripeUrl);
    // Tried again it is by us, who have written down what is asked; and nothing is told of how long that took.
    const client = new Client(secretKey, {
      host: hostname,
      protocol: protocol === 'http:' ? 'http' : 'https',
      maxNetworkRetries: 0,
      telemetry: false,
      ...(port !== '' && { port }),
    });
    // The package types its client twice, for import and for require, which are no subtypes of each other.
    return client as unknown as Stripe;
  }
}

const noCharge: Outcome = { state: 'refused', reason: 'no_such_charge' };

function authorization(intent: Stripe.PaymentIntent): Outcome {
  const { id: chargeId, status, client_secret: secret, last_payment_error: error } = intent;
  const named = { chargeId, ...(secret !== null && { clientSecret: secret }) };
  if (status === 'requires_capture' || status === 'succeeded') return { ...named, state: 'done' };
  if (status === 'canceled') return { ...named, state: 'refused', reason: intent.cancellation_reason ?? 'canceled' };
  if (status === 'requires_payment_method' && error)
    return { ...named, state: 'refused', reason: error.decline_code ?? error.code ?? error.type };
  return { ...named, state: 'pending' };
}

function taking({ id: chargeId, status }: Stripe.PaymentIntent): Outcome {
  if (status === 'succeeded') return { chargeId, state: 'done' };
  return status === 'canceled' ? { chargeId, state: 'refused', reason: 'canceled' } : { chargeId, state: 'pending' };
}

function release({ id: chargeId, status }: Stripe.PaymentIntent): Outcome {
  if (status === 'canceled') return { chargeId, state: 'done' };
  return status === 'succeeded' ? { chargeId, state: 'refused', reason: 'captured' } : { chargeId, state: 'pending' };
}

function returning({ id: refundId, status, failure_reason: reason }: Stripe.Refund): Outcome {
  if (status === 'succeeded') return { state: 'done', refundId };
  if (status === 'failed' || status === 'canceled') return { state: 'refused', refundId, reason: reason ?? status };
  return { state: 'pending', refundId };
}

/**
 * What Stripe answers; a refusal for good is an answer, too. `now` reads it from the intent that a refusal shows: it was not
 * as the call supposed. @throws whatever is no answer: no connection, too many requests, a key that is wrong, a 5xx
 */
async function answered(
  ask: () => Promise<Outcome>,
  now?: (intent: Stripe.PaymentIntent) => Outcome,
): Promise<Outcome> {
  try {
    return await ask();
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const intent = error.payment_intent;
    const found = intent && now ? now(intent) : undefined;
    if (found && found.state !== 'pending') return found;
    const reason = error.decline_code ?? error.code ?? error.type;
    return { state: 'refused', reason, ...(intent && { chargeId: intent.id }) };
  }
}

interface Refusal {
  readonly type: string;
  readonly statusCode: number;
  readonly code?: string;
  readonly decline_code?: string;
  readonly payment_intent?: Stripe.PaymentIntent;
}

const refusals = new Set(['StripeCardError', 'StripeInvalidRequestError']);

/** The client's errors say by `type` what they are. A 409 or 429 says nothing about the money. */
function isRefusal(error: unknown): error is Refusal {
  const { type, statusCode } = error as Partial<Refusal>;
  return refusals.has(type ?? '') && (statusCode === 400 || statusCode === 402 || statusCode === 404);
}

/** What an event says of an order of ours; undefined for all others. */
function toEvent(event: Stripe.Event): ProviderEvent | undefined {
  const { id: eventId } = event;
  switch (event.type) {
    case 'payment_intent.amount_capturable_updated':
    case 'payment_intent.payment_failed':
      return ofIntent(eventId, 'authorize', event.data.object, authorization);
    case 'payment_intent.succeeded':
      return ofIntent(eventId, 'capture', event.data.object, taking);
    case 'payment_intent.canceled':
      return ofIntent(eventId, 'void', event.data.object, release);
    case 'refund.created':
    case 'refund.updated':
    case 'refund.failed':
      return ofRefund(eventId, event.data.object);
    default:
      return undefined;
  }
}

function ofIntent(
  eventId: string,
  kind: 'authorize' | 'capture' | 'void',
  intent: Stripe.PaymentIntent,
  read: (intent: Stripe.PaymentIntent) => Outcome,
): ProviderEvent | undefined {
  const paymentId = intent.metadata.payment_id;
  return paymentId === undefined ? undefined : { eventId, kind, paymentId, outcome: read(intent) };
}

function ofRefund(eventId: string, refund: Stripe.Refund): ProviderEvent | undefined {
  const { operation: key, payment_id: paymentId } = refund.metadata ?? {};
  if (key === undefined || paymentId === undefined) return undefined;
  return { eventId, kind: 'refund', paymentId, key, outcome: returning(refund) };
}
