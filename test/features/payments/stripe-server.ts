import { createHmac } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { LocalServer } from '../../support/local-server';

// Speaks as api.stripe.com does, as far as payments ask it: shapes and codes as recorded from the API reference (2026), the
// same as stripe-mock has them. It stands for Stripe and says so: no card is charged.

export interface Intent {
  id: string;
  status: string;
  amount: number;
  amount_received: number;
  client_secret: string;
  cancellation_reason: string | null;
  last_payment_error: object | null;
  metadata: Record<string, string>;
}

export interface StripeRequest {
  readonly path: string;
  readonly key: string | undefined;
  readonly form: URLSearchParams;
}

interface Answered {
  readonly status: number;
  readonly body: object;
}

type Fate = 'unreachable' | 'silent' | 'lost' | 'unauthorized' | 'forbidden' | 'rate_limited' | 'broken' | 'fine';

// What is told before anything is done.
const refusals: Readonly<Partial<Record<Fate, Answered>>> = {
  unauthorized: {
    status: 401,
    body: { error: { type: 'invalid_request_error', message: 'Invalid API Key provided: sk_test_****' } },
  },
  forbidden: problem(403, 'invalid_request_error', 'more_permissions_required'),
  rate_limited: problem(429, 'invalid_request_error', 'rate_limit'),
};

export class StripeServer extends LocalServer {
  readonly intents = new Map<string, Intent>();
  readonly refunds = new Map<
    string,
    {
      id: string;
      status: string;
      failure_reason: string | null;
      payment_intent: string;
      amount: number;
      metadata: Record<string, string>;
    }
  >();
  readonly requests: StripeRequest[] = [];
  /** What becomes of the next requests, instead of an answer, or after it was made and before it is sent. */
  readonly fates: Fate[] = [];
  private readonly answers = new Map<string, Answered>();

  protected override async serve(request: IncomingMessage, body: string, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', 'http://stripe');
    const form = request.method === 'POST' ? new URLSearchParams(body) : url.searchParams;
    const key = request.headers['idempotency-key'] as string | undefined;
    const fate = this.fates.shift() ?? 'fine';
    this.requests.push({ path: `${request.method} ${url.pathname}`, key, form });
    if (fate === 'unreachable') return void response.destroy();
    if (fate === 'silent') return;
    const refused = refusals[fate];
    if (refused) return send(response, refused);
    const known = key === undefined ? undefined : this.answers.get(key);
    const made = known ?? this.answerAs(fate, url.pathname, request.method ?? '', form);
    // Stripe keeps what it has answered, whatever it was.
    if (key !== undefined) this.answers.set(key, made);
    if (fate === 'lost') return void response.destroy();
    send(response, made);
  }

  /** `broken`: it was done, and the answer is a 500 all the same, also to the same key again. */
  private answerAs(fate: string, path: string, method: string, form: URLSearchParams): Answered {
    const made = this.answer(path, method, form);
    return fate === 'broken' ? problem(500, 'api_error', 'internal') : made;
  }

  private answer(path: string, method: string, form: URLSearchParams): Answered {
    const [, , kind, id = '', verb] = path.split('/');
    if (kind === 'refunds') return method === 'POST' ? this.refund(form) : this.listRefunds(id, form);
    if (id === 'search') return this.search(form);
    if (method === 'POST' && id === '') return this.create(form);
    const intent = this.intents.get(id);
    if (!intent) return problem(404, 'invalid_request_error', 'resource_missing');
    if (verb === 'capture') return this.capture(intent);
    if (verb === 'cancel') return this.cancel(intent);
    return { status: 200, body: intent };
  }

  private create(form: URLSearchParams): Answered {
    const id = `pi_${this.intents.size + 1}`;
    const method = form.get('payment_method');
    const intent: Intent = {
      ...{ id, amount: Number(form.get('amount')), amount_received: 0, client_secret: `${id}_secret_x` },
      ...{ cancellation_reason: null, last_payment_error: null, metadata: metadataOf(form) },
      status: method === null ? 'requires_payment_method' : 'requires_capture',
    };
    this.intents.set(id, intent);
    if (method !== 'pm_card_chargeDeclined') return { status: 200, body: intent };
    intent.status = 'requires_payment_method';
    intent.last_payment_error = { type: 'card_error', code: 'card_declined', decline_code: 'generic_decline' };
    return problem(402, 'card_error', 'card_declined', { decline_code: 'generic_decline', payment_intent: intent });
  }

  private capture(intent: Intent): Answered {
    if (intent.status !== 'requires_capture') return unexpected(intent);
    Object.assign(intent, { status: 'succeeded', amount_received: intent.amount });
    return { status: 200, body: intent };
  }

  private cancel(intent: Intent): Answered {
    if (intent.status === 'succeeded' || intent.status === 'canceled') return unexpected(intent);
    Object.assign(intent, { status: 'canceled', cancellation_reason: 'requested_by_customer' });
    return { status: 200, body: intent };
  }

  private refund(form: URLSearchParams): Answered {
    const id = `re_${this.refunds.size + 1}`;
    const [payment_intent, amount] = [form.get('payment_intent') ?? '', Number(form.get('amount'))];
    const given = [...this.refunds.values()].filter((one) => one.payment_intent === payment_intent);
    const left =
      (this.intents.get(payment_intent)?.amount_received ?? 0) - given.reduce((sum, one) => sum + one.amount, 0);
    if (amount > left) return problem(400, 'invalid_request_error', 'charge_already_refunded');
    const refund = {
      id,
      status: 'succeeded',
      failure_reason: null,
      payment_intent,
      amount,
      metadata: metadataOf(form),
    };
    this.refunds.set(id, refund);
    return { status: 200, body: { object: 'refund', ...refund } };
  }

  private listRefunds(id: string, form: URLSearchParams): Answered {
    if (id !== '') return { status: 200, body: this.refunds.get(id) ?? {} };
    const data = [...this.refunds.values()].filter((one) => one.payment_intent === form.get('payment_intent'));
    return { status: 200, body: { object: 'list', data, has_more: false } };
  }

  private search(form: URLSearchParams): Answered {
    const key = /^metadata\['operation'\]:'(\w+)'$/.exec(form.get('query') ?? '')?.[1];
    const data = [...this.intents.values()].filter(({ metadata }) => metadata.operation === key);
    return { status: 200, body: { object: 'search_result', data, has_more: false } };
  }
}

/** The header `Stripe-Signature`. Source: https://docs.stripe.com/webhooks#verify-manually */
export function stripeSignature(
  secret: string,
  body: string,
  seconds: number,
): { timestamp: number; signatures: string[] } {
  const hex = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
  return { timestamp: seconds, signatures: [hex] };
}

function metadataOf(form: URLSearchParams): Record<string, string> {
  const found = [...form].map(([name, value]) => [/^metadata\[(\w+)\]$/.exec(name)?.[1], value] as const);
  return Object.fromEntries(found.filter(([name]) => name !== undefined));
}

function problem(status: number, type: string, code: string, more: object = {}): Answered {
  return { status, body: { error: { type, code, message: code, ...more } } };
}

function unexpected(intent: Intent): Answered {
  return problem(400, 'invalid_request_error', 'payment_intent_unexpected_state', { payment_intent: { ...intent } });
}

const headers = { 'content-type': 'application/json', 'request-id': 'req_1', 'stripe-version': '2026-10-28.endive' };

function send(response: ServerResponse, { status, body }: Answered): void {
  response.writeHead(status, headers);
  response.end(JSON.stringify(body));
}
