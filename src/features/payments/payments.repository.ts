import { Injectable } from '@nestjs/common';
import { LessThan } from 'typeorm';
import { ulid } from 'ulid';
import { Clock } from '../../shared/clock/clock';
import { insertNew, newGroupId } from '../../shared/db/bulk';
import type { Database } from '../../shared/db/database';
import { Databases } from '../../shared/db/databases';
import { isUniqueViolation } from '../../shared/db/db.errors';
import { insertRow, rowsOf, selectOne } from '../../shared/db/entity';
import { ownedBy } from '../../shared/db/ownership';
import type { Sql } from '../../shared/db/sql';
import { resourceBusy } from '../../shared/errors/common.errors';
import { Idempotency, type KeyedRequest } from '../../shared/idempotency/idempotency';
import type { IdempotencyRepository, Once } from '../../shared/idempotency/idempotency.repository';
import type { Announce } from '../../shared/outbox/outbox';
import {
  type OperationKind,
  type OperationRow,
  operationsTable,
  type PaymentRow,
  paymentsKeysTable,
  paymentsTable,
  type ReservationRow,
  reservationsTable,
  webhooksTable,
} from './payments.entity';
import { paymentExists, paymentNotFound, reservationNotHeld } from './payments.errors';
import { type PaymentNews, paymentNews } from './payments.events';
import { PaymentsOutbox } from './payments.outbox';
import type { Outcome } from './payments.provider';
import { edges, isOver, type PaymentStatus } from './payments.states';

export interface PaymentFilter {
  readonly reservationId: string | undefined;
  readonly owner: string | undefined;
}

/** Which payment, as its caller may see it. `owner` undefined: all. */
export interface Which {
  readonly id: string;
  readonly owner: string | undefined;
}

type Change = Partial<Omit<PaymentRow, 'seq' | 'id'>>;

/** The table `payments`, and the steps in which a payment changes: each in the transaction of what it announces and intends. */
@Injectable()
export class PaymentsRepository {
  private readonly db: Database;
  private readonly keys: IdempotencyRepository;

  constructor(
    databases: Databases,
    private readonly outbox: PaymentsOutbox,
    private readonly idempotency: Idempotency,
    private readonly clock: Clock,
  ) {
    this.db = databases.of('payments');
    this.keys = idempotency.keysIn(this.db, paymentsKeysTable.name);
  }

  /** `check` throws where there may be no payment; it is not asked when the same call came before. @throws AppError payment_exists */
  create(payment: Omit<PaymentRow, 'seq'>, call: KeyedRequest, check: () => void): Promise<Once<PaymentRow>> {
    const once = this.idempotency.callOf('PaymentService.CreatePayment', call);
    return this.db.transaction((tx) =>
      this.keys.once(tx, once, async () => {
        check();
        const { reservationId } = payment;
        const ended = await selectOne(tx, reservationsTable, 'WHERE reservation_id = ?', [reservationId]);
        if (ended) throw reservationNotHeld(ended.status);
        try {
          await insertRow(tx, paymentsTable, payment);
        } catch (error) {
          // Ids are ours and do not collide: it is the reservation that has a payment.
          throw isUniqueViolation(error) ? paymentExists() : error;
        }
        return { seq: 0, ...payment };
      }),
    );
  }

  find({ id, owner }: Which): Promise<PaymentRow | undefined> {
    const owned = ownedBy('user_id', owner);
    return this.db.read((sql) => selectOne(sql, paymentsTable, `WHERE id = ?${owned.text}`, [id, ...owned.params]));
  }

  /** Newest first. */
  list({ reservationId, owner }: PaymentFilter, beforeSeq: number, take: number): Promise<PaymentRow[]> {
    const where = {
      seq: LessThan(beforeSeq),
      ...(reservationId !== undefined && { reservationId }),
      ...(owner !== undefined && { userId: owner }),
    };
    return this.db.read((sql) => rowsOf(sql, paymentsTable).find({ where, order: { seq: 'DESC' }, take }));
  }

  /** Runs `work` with the payment, which nobody else changes meanwhile; undefined when there is none. */
  change<T>(id: string, work: (steps: PaymentSteps) => Promise<T>): Promise<T | undefined> {
    return this.outbox.transaction(async (tx, announce) => {
      const payment = await lock(tx, { id, owner: undefined });
      return payment && work(new PaymentSteps(tx, announce, payment, this.clock.steady()));
    });
  }

  /** The same, each Idempotency-Key once. Answers the payment, as it was when the call first came. @throws AppError payment_not_found */
  changeOnce(
    route: string,
    which: Which,
    call: KeyedRequest,
    work: (steps: PaymentSteps) => Promise<unknown>,
  ): Promise<Once<PaymentRow>> {
    const once = this.idempotency.callOf(`PaymentService.${route}`, call);
    return this.outbox.transaction((tx, announce) =>
      this.keys.once(tx, once, async () => {
        const payment = await lock(tx, which);
        if (!payment) throw paymentNotFound(which.id);
        const steps = new PaymentSteps(tx, announce, payment, this.clock.steady());
        await work(steps);
        return steps.payment;
      }),
    );
  }
}

/** First the row's lock: whoever reads it then sees what the one before has made of it, on every database. */
async function lock(tx: Sql, { id, owner }: Which): Promise<PaymentRow | undefined> {
  const owned = ownedBy('user_id', owner);
  const text = `UPDATE payments SET updated_at = updated_at WHERE id = ?${owned.text}`;
  if ((await tx.run(text, [id, ...owned.params])) === 0) return undefined;
  return selectOne(tx, paymentsTable, 'WHERE id = ?', [id]);
}

/** The steps of changing one payment, in one transaction. */
export class PaymentSteps {
  /** What it became, in order. */
  readonly became: PaymentStatus[] = [];

  constructor(
    private readonly tx: Sql,
    private readonly announcing: Announce,
    public payment: PaymentRow,
    readonly now: number,
  ) {}

  /** Takes an edge. @throws AppError resource_busy when the payment is no longer what was read */
  async move(to: PaymentStatus, change: Change = {}): Promise<void> {
    const { status } = this.payment;
    if (!edges[status].includes(to)) throw new Error(`A payment that is ${status} never becomes ${to}`);
    await this.write({ ...change, status: to, ...(isOver(to) && { liveReservation: null }) });
    this.became.push(to);
  }

  /** Writes down what is no edge. */
  async write(change: Change): Promise<void> {
    const { id, status, version } = this.payment;
    const next = { ...change, version: version + 1, updatedAt: Math.max(this.now, this.payment.updatedAt) };
    const { affected } = await rowsOf(this.tx, paymentsTable).update({ id, status, version }, next);
    if (affected !== 1) throw resourceBusy();
    this.payment = { ...this.payment, ...next };
  }

  /** Sets an amount of what was captured apart for its way back: never more than there is. False when there is less. */
  async setApart(amount: number): Promise<boolean> {
    const { id, status, version, refunding } = this.payment;
    const change = 'refunding = refunding + ?, version = version + 1, updated_at = ?';
    const left = 'captured - refunded - refunding >= ?';
    const text = `UPDATE payments SET ${change} WHERE id = ? AND status = ? AND version = ? AND ${left}`;
    const updatedAt = Math.max(this.now, this.payment.updatedAt);
    if ((await this.tx.run(text, [amount, updatedAt, id, status, version, amount])) === 0) return false;
    this.payment = { ...this.payment, refunding: refunding + amount, version: version + 1, updatedAt };
    return true;
  }

  /**
   * Writes down what the provider is to be asked, at once. What was written down before is not asked twice; but for a void
   * that was refused: the money was not set aside yet.
   */
  async intend(kind: OperationKind, amount: number): Promise<void> {
    const { id: paymentId } = this.payment;
    const id = ulid(this.now);
    const before = kind === 'refund' ? undefined : await this.operation(kind);
    if (before && !(kind === 'void' && before.state === 'refused')) return;
    await insertRow(this.tx, operationsTable, {
      ...{ id, paymentId, kind, amount },
      onceKey: kind === 'refund' || before ? `${kind}:${id}` : `${kind}:${paymentId}`,
      state: 'pending',
      reason: null,
      refundId: null,
      tries: 0,
      nextAt: this.now,
      createdAt: this.now,
      updatedAt: this.now,
    });
  }

  /** The operation with this id, or the latest of its kind. */
  async operation(kind: OperationKind, id?: string): Promise<OperationRow | undefined> {
    const one = id === undefined ? '' : ' AND id = ?';
    const where = `WHERE payment_id = ? AND kind = ?${one} ORDER BY seq DESC LIMIT 1`;
    const { id: paymentId } = this.payment;
    return selectOne(this.tx, operationsTable, where, [paymentId, kind, ...(id === undefined ? [] : [id])]);
  }

  /** An operation becomes what the provider says; false when it is not what it was. */
  async settle({ id, state }: OperationRow, outcome: Outcome): Promise<boolean> {
    const change = { state: outcome.state, reason: cut(outcome.reason), updatedAt: this.now };
    const named = { ...change, ...(outcome.refundId !== undefined && { refundId: outcome.refundId }) };
    return (await rowsOf(this.tx, operationsTable).update({ id, state }, named)).affected === 1;
  }

  /** What its reservation has announced; undefined: it is held, as far as it is known here. */
  reservation(): Promise<ReservationRow | undefined> {
    return selectOne(this.tx, reservationsTable, 'WHERE reservation_id = ?', [this.payment.reservationId]);
  }

  /** True when the event has had no effect before. */
  async isNew(provider: string, eventId: string): Promise<boolean> {
    const columns = { provider: 'text', event_id: 'text', received_at: 'int' } as const;
    const rows = [[provider, eventId, this.now]];
    const into = { table: webhooksTable.name, columns, key: ['provider', 'event_id'] };
    return (await insertNew(this.tx, { ...into, rows, groupId: newGroupId() })).size === 1;
  }

  announce(status: PaymentNews['status']): Promise<void> {
    const { id: paymentId, reservationId, userId, amount, currency } = this.payment;
    const body = { paymentId, reservationId, userId, status, amount, currency, at: this.now };
    return this.announcing(paymentNews, paymentId, body);
  }
}

const longest = 255;

export function cut(text: string | undefined): string | null {
  return text === undefined ? null : text.slice(0, longest);
}
