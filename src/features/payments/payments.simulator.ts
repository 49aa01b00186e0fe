import { createHmac, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { ulid } from 'ulid';
import type { ReceiveWebhookRequest } from '../../generated/aerie/payments/v1/payments';
import { Clock } from '../../shared/clock/clock';
import { parse } from '../../shared/contract/dto';
import { malformedJson } from '../../shared/errors/common.errors';
import type { OperationKind } from './payments.entity';
import { signatureInvalid } from './payments.errors';
import { type Order, type Outcome, PaymentProvider, type ProviderEvent } from './payments.provider';
import { PaymentsSettings } from './payments.settings';
import type { SimulatedCharge } from './payments.simulator.entity';
import { simulatorEvent } from './payments.simulator.event';
import { SimulatorRepository, type SimulatorSteps } from './payments.simulator.repository';

const windowSeconds = 300;
const maxSignatures = 4;
const delayMs = 2000;
const lateMs = 90_000;
// A webhook comes after the answer of the call behind it, as a rule.
const webhookMs = 250;

/**
 * A provider of payments that takes no money. `method` is its scenario: `approve`, `fail`, `delay` (approved two seconds
 * later), `late` (90 seconds later), `timeout` (approved, and the call is never answered), `duplicate` (every webhook twice),
 * `out_of_order` (webhooks before the answer, and the older one last), `random`, and `capture_fail` (approved, and the
 * capture is refused). Its books are tables of its own, as if it ran elsewhere: it forgets nothing when a process dies.
 */
@Injectable()
export class SimulatorProvider extends PaymentProvider {
  override readonly name = 'simulator';

  constructor(
    private readonly books: SimulatorRepository,
    private readonly settings: PaymentsSettings,
    private readonly clock: Clock,
  ) {
    super();
  }

  override async authorize(order: Order): Promise<Outcome> {
    const now = this.clock.steady();
    const chargeId = `ch_${ulid(now)}`;
    const method = scenarioOf(order.method);
    let isFirst = false;
    const outcome = await this.books.once(order.key, chargeId, now, async (steps) => {
      isFirst = true;
      const { outcome: said, approvedAt } = verdict(method, chargeId, now);
      const state = { done: 'authorized', pending: 'pending', refused: 'refused' } as const;
      await steps.open({
        ...{ id: chargeId, paymentId: order.paymentId, amount: order.amount, currency: order.currency, method },
        ...{ state: state[said.state], captured: 0, refunded: 0, approvedAt, createdAt: now },
      });
      if (method === 'out_of_order')
        await this.tell(steps, { method }, order, { state: 'pending', chargeId }, webhookMs);
      if (said.state !== 'pending' && method !== 'timeout') await this.tell(steps, { method }, order, said);
      return said;
    });
    if (isFirst && method === 'timeout') return silence();
    return outcome;
  }

  override capture(order: Order): Promise<Outcome> {
    return this.change(order, async (steps, charge) => {
      if (charge.state === 'captured') return { state: 'done' };
      if (charge.state !== 'authorized') return { state: 'refused', reason: charge.state };
      if (charge.method === 'capture_fail') return { state: 'refused', reason: 'do_not_honor' };
      await steps.change(charge, { state: 'captured', captured: order.amount });
      return { state: 'done' };
    });
  }

  override void(order: Order): Promise<Outcome> {
    return this.change(order, async (steps, charge) => {
      if (charge.state === 'captured') return { state: 'refused', reason: 'captured' };
      await steps.change(charge, { state: 'voided' });
      return { state: 'done' };
    });
  }

  override refund(order: Order): Promise<Outcome> {
    return this.change(order, async (steps, charge) => {
      if (charge.refunded + order.amount > charge.captured) return { state: 'refused', reason: 'too_much' };
      await steps.change(charge, { refunded: charge.refunded + order.amount });
      return { state: 'done', refundId: `re_${order.key}` };
    });
  }

  override async find(order: Order): Promise<Outcome | undefined> {
    const answered = await this.books.answer(order.key);
    if (!answered || order.kind !== 'authorize' || answered.state !== 'pending') return answered;
    const charge = await this.books.charge(answered.chargeId ?? '');
    if (!charge || charge.state === 'pending') return answered;
    return { ...answered, state: charge.state === 'refused' || charge.state === 'voided' ? 'refused' : 'done' };
  }

  /** Approves what was to be approved later. */
  async approve(): Promise<void> {
    const now = this.clock.steady();
    for (const { id } of await this.books.due(now, 100))
      await this.books.transaction(async (steps) => {
        const charge = await steps.lock(id);
        if (charge?.state !== 'pending') return;
        await steps.change(charge, { state: 'authorized' });
        const order = { key: id, kind: 'authorize', paymentId: charge.paymentId } as const;
        await this.tell(steps, charge, order, { state: 'done', chargeId: id }, 0);
      });
  }

  override async parseWebhook(request: ReceiveWebhookRequest): Promise<ProviderEvent> {
    this.verify(request);
    const { kind, paymentId, key, ...outcome } = parse(simulatorEvent, jsonOf(request.body)).data;
    // The id that was signed; the one in the body says the same.
    return { eventId: request.id, kind, paymentId, key, outcome };
  }

  /** The headers of a webhook, as Standard Webhooks has them. Source: https://www.standardwebhooks.com */
  sign(id: string, body: string): Record<string, string> {
    const timestamp = Math.floor(this.clock.now() / 1000);
    const signature = this.mac({ id, timestamp, body: Buffer.from(body) }).toString('base64');
    return { 'webhook-id': id, 'webhook-timestamp': `${timestamp}`, 'webhook-signature': `v1,${signature}` };
  }

  private change(
    order: Order,
    work: (steps: SimulatorSteps, charge: SimulatedCharge) => Promise<Outcome>,
  ): Promise<Outcome> {
    const { key, chargeId } = order;
    return this.books.once(key, chargeId ?? '', this.clock.steady(), async (steps) => {
      const charge = chargeId === null ? undefined : await steps.lock(chargeId);
      if (!charge) return { state: 'refused', reason: 'no_such_charge' };
      const outcome = { ...(await work(steps, charge)), chargeId: charge.id };
      await this.tell(steps, charge, order, outcome);
      return outcome;
    });
  }

  /** Has a webhook sent. */
  private async tell(
    steps: SimulatorSteps,
    { method }: Pick<SimulatedCharge, 'method'>,
    { kind, paymentId, key }: Pick<Order, 'kind' | 'paymentId' | 'key'>,
    outcome: Outcome,
    afterMs = method === 'out_of_order' ? 0 : webhookMs,
  ): Promise<void> {
    const now = this.clock.steady();
    const id = `evt_${ulid(now)}`;
    const { clientSecret: _, ...said } = outcome;
    const body = { id, type: typeOf(kind, outcome), data: { kind, paymentId, key, ...said } };
    await steps.send(id, body, now + afterMs, now);
    if (method === 'duplicate') await steps.send(id, body, now + 2 * webhookMs, now);
  }

  private verify({ id, timestamp, signatures, body }: ReceiveWebhookRequest): void {
    const expected = this.mac({ id, timestamp, body });
    const given = signatures.slice(0, maxSignatures).map((one) => Buffer.from(one.replace(/^v1,/, ''), 'base64'));
    let isSigned = false;
    for (const one of given) if (one.length === expected.length && timingSafeEqual(one, expected)) isSigned = true;
    const isCurrent = Math.abs(this.clock.now() / 1000 - timestamp) <= windowSeconds;
    if (!isSigned || !isCurrent) throw signatureInvalid();
  }

  private mac({ id, timestamp, body }: Pick<ReceiveWebhookRequest, 'id' | 'timestamp' | 'body'>): Buffer {
    return createHmac('sha256', this.settings.webhookSecret).update(`${id}.${timestamp}.`).update(body).digest();
  }
}

const scenarios = ['approve', 'fail', 'delay', 'timeout', 'duplicate', 'late', 'out_of_order', 'capture_fail'] as const;

function scenarioOf(method: string | null): string {
  if (method !== 'random') return method ?? 'approve';
  return scenarios[Math.floor(Math.random() * scenarios.length)] ?? 'approve';
}

function verdict(method: string, chargeId: string, now: number): { outcome: Outcome; approvedAt: number } {
  const later = { delay: delayMs, late: lateMs }[method];
  if (later !== undefined) return { outcome: { state: 'pending', chargeId }, approvedAt: now + later };
  const known = (scenarios as readonly string[]).includes(method);
  const reason = known ? 'card_declined' : 'no_such_method';
  const outcome: Outcome =
    known && method !== 'fail' ? { state: 'done', chargeId } : { state: 'refused', chargeId, reason };
  return { outcome, approvedAt: now };
}

const past: Readonly<Record<OperationKind, string>> = {
  authorize: 'authorized',
  capture: 'captured',
  void: 'voided',
  refund: 'refunded',
};

function typeOf(kind: OperationKind, { state }: Outcome): string {
  return `charge.${state === 'done' ? past[kind] : `${kind}.${state}`}`;
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw malformedJson('The body is not JSON');
  }
}

/** The answer of a call that was lost on its way. */
function silence(): Promise<never> {
  return new Promise(() => undefined);
}
