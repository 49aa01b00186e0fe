import { ulid } from 'ulid';
import type { PaymentNews } from '../../src/features/payments/payments.events';
import type { ReservationNews } from '../../src/features/reservations/reservations.events';
import type { Payment } from '../../src/generated/aerie/payments/v1/payments';
import type { Reservation } from '../../src/generated/aerie/reservations/v1/reservations';
import { asInternal } from '../../src/shared/auth/caller';
import type { Database } from '../../src/shared/db/database';
import { codeOf, hold, saleNamed } from '../features/reservations/office';
import { Died, dieAt } from '../support/die-at';
import { type Place, waitingIn } from './launch-place';

// A launch: the waiting room, reservations and payments, each with a database of its own and all with the real services. Time
// passes, rounds come and news goes on its way when the test says so, and any process may end within any of its transactions.

export const activePlaces = 3;
export const seats = ['A1', 'A2', 'A3', 'A4'];

const refusals = {
  enter: ['not_ready', 'queue_ticket_ended', 'sale_paused'],
  hold: [
    ...['grant_required', 'grant_invalid', 'grant_used', 'sold_out', 'seats_taken', 'sale_paused', 'limit_exceeded'],
    'resource_busy',
  ],
  extend: ['already_extended', 'reservation_expired', 'reservation_ended'],
  cancel: ['reservation_expired', 'reservation_ended'],
  confirm: ['reservation_expired', 'reservation_ended'],
  pay: ['reservation_not_held', 'payment_exists', 'nothing_to_pay'],
  giveUp: ['payment_not_cancellable'],
  refund: ['payment_not_refundable'],
  seats: ['seats_taken', 'not_blocked'],
};

interface Guest {
  ticket?: string;
  position?: number;
  grant?: string;
  /** The grant that the last reservation has used. */
  used?: string;
  readonly reservations: Reservation[];
  readonly payments: Payment[];
}

/** One sale, and whoever wants something of it. `nth`: at which statement of each transaction the process ends; 0: it does not. */
export class Launch {
  readonly guests = new Map<string, Guest>();
  private readonly surprises: string[] = [];

  private constructor(
    readonly place: Place,
    readonly saleId: string,
  ) {}

  static async begin(place: Place): Promise<Launch> {
    const saleId = `sale-${ulid().toLowerCase()}`;
    const queue = { activePlaces, readySeconds: 10, grantSeconds: 10, silenceSeconds: 60 };
    const sale = saleNamed(saleId, { queue, maxPerUser: 6 });
    await place.office.as(undefined, () => place.office.service.createSale(sale));
    return new Launch(place, saleId);
  }

  async join(user: string, nth: number): Promise<void> {
    const { hall } = this.place;
    const join = () => hall.join(this.saleId, user);
    const { ticket, position } = (await this.mortal(hall.db, nth, join)) ?? (await join());
    const guest = this.guestOf(user);
    if (guest.ticket !== ticket) Object.assign(guest, { ticket, position });
  }

  /** Where these are; a position never grows. */
  async ask(users: readonly string[]): Promise<void> {
    for (const user of users) {
      const guest = this.guestOf(user);
      if (guest.ticket === undefined) continue;
      const { status, position } = await this.place.hall.status(guest.ticket);
      if (status !== 'waiting') continue;
      if (position > (guest.position ?? position)) this.surprises.push(`${user} went back to ${position}`);
      guest.position = position;
    }
  }

  async enter(user: string, nth: number): Promise<void> {
    const { hall } = this.place;
    const guest = this.guestOf(user);
    const { ticket } = guest;
    if (ticket === undefined) return;
    const admitted = await this.command('enter', hall.db, nth, () => hall.enter(user, ticket));
    if (admitted) guest.grant = admitted.grant;
  }

  async leave(user: string): Promise<void> {
    const { ticket } = this.guestOf(user);
    if (ticket !== undefined) await this.place.hall.service.leaveQueue({ ticket });
  }

  async hold(user: string, wanted: number | readonly string[], section: string, nth: number): Promise<void> {
    const { office } = this.place;
    const guest = this.guestOf(user);
    const { grant } = guest;
    const options = { key: ulid(), section, ...(grant !== undefined && { grant }) };
    const held = await this.command('hold', office.db, nth, () => hold(office, user, this.saleId, wanted, options));
    if (held) guest.reservations.push(held);
  }

  /** Extends, cancels or confirms what the user has held last. */
  async change(user: string, how: 'extend' | 'cancel' | 'confirm', nth: number): Promise<void> {
    const { office } = this.place;
    const { id, amount = 0 } = this.guestOf(user).reservations.at(-1) ?? {};
    if (id === undefined) return;
    // Confirming waits for news, and in this world it does not come meanwhile.
    if (how === 'confirm' && amount > 0) return;
    const key = { idempotencyKey: ulid() };
    const call = {
      extend: () => office.service.extendReservation({ id }, key),
      cancel: () => office.service.cancelReservation({ id }, key),
      confirm: () => office.service.confirmReservation({ id }, key),
    }[how];
    await this.command(how, office.db, nth, () => office.as(user, call as () => Promise<unknown>));
  }

  async pay(user: string, method: string, nth: number): Promise<void> {
    const { desk, office } = this.place;
    const guest = this.guestOf(user);
    const reservationId = guest.reservations.at(-1)?.id;
    if (reservationId === undefined) return;
    const [first, second] = [{ idempotencyKey: ulid() }, { idempotencyKey: ulid() }];
    const create = () => office.as(user, () => desk.service.createPayment({ reservationId }, first));
    const payment = await this.command('pay', desk.db, nth, create);
    if (!payment) return;
    guest.payments.push(payment);
    const { id } = payment;
    const process = () => office.as(user, () => desk.service.processPayment({ id, method }, second));
    await this.command('pay', desk.db, nth, process);
  }

  /** Does what comes next. Who has an end behind begins anew. */
  async goOn(
    user: string,
    {
      section,
      of,
      method,
    }: { readonly section: string; readonly of: number | readonly string[]; readonly method: string },
    nth: number,
  ): Promise<void> {
    const guest = this.guestOf(user);
    const { ticket, grant } = guest;
    const before = guest.reservations.length;
    if (ticket === undefined) return this.join(user, nth);
    if (grant === undefined) {
      await this.ask([user]);
      await this.round(0);
      return this.enter(user, nth);
    }
    const last = guest.reservations.at(-1);
    const isPaid = guest.payments.some(({ reservationId }) => reservationId === last?.id);
    if (last && last.amount > 0 && !isPaid && guest.used === grant) return this.pay(user, method, nth);
    if (guest.used !== grant) await this.hold(user, of, section, nth);
    if (guest.reservations.length > before) guest.used = grant;
    else for (const name of ['ticket', 'grant', 'used', 'position'] as const) delete guest[name];
  }

  async moneyBack(user: string, how: 'giveUp' | 'refund', nth: number): Promise<void> {
    const { desk, office } = this.place;
    const id = this.guestOf(user).payments.at(-1)?.id;
    if (id === undefined) return;
    const key = { idempotencyKey: ulid() };
    await this.command(how, desk.db, nth, () =>
      how === 'refund'
        ? asInternal(() => desk.service.refundPayment({ id }, key))
        : office.as(user, () => desk.service.cancelPayment({ id }, key)),
    );
  }

  async block(seatIds: readonly string[], isBlocked: boolean): Promise<void> {
    const { office } = this.place;
    const request = { saleId: this.saleId, sectionId: 'seats', seatIds: [...seatIds] };
    const call = (meta: { idempotencyKey: string }) =>
      isBlocked ? office.service.blockSeats(request, meta) : office.service.unblockSeats(request, meta);
    await this.command('seats', office.db, 0, () => office.as(undefined, () => call({ idempotencyKey: ulid() })));
  }

  async setState(state: 'open' | 'paused'): Promise<void> {
    const { office } = this.place;
    await office.as(undefined, () => office.service.setSaleState({ saleId: this.saleId, state }));
  }

  /** What the processes do by themselves. */
  async round(nth: number): Promise<void> {
    const { desk, hall, office } = this.place;
    await this.mortal(office.db, nth, () => office.repository.expire());
    await this.mortal(hall.db, nth, () => hall.round(this.saleId));
    await this.mortal(desk.db, nth, () => desk.round());
    await this.mortal(desk.db, nth, () => desk.deliver());
  }

  /** One announcement is heard: the first of its key that a consumer has not heard. Answers whether there was one. */
  async hear(n: number, nth: number): Promise<boolean> {
    const { desk, hall, office } = this.place;
    const waiting = [
      ...(await waitingIn(office.db, 'reservations_outbox')).map((row) => ({ row, db: office.db })),
      ...(await waitingIn(desk.db, 'payments_outbox')).map((row) => ({ row, db: desk.db })),
    ];
    if (waiting.length === 0) return false;
    const { row, db } = waiting[n % waiting.length] as (typeof waiting)[number];
    const { consumer, seq, body } = row;
    const told = JSON.parse(body) as unknown;
    const { grant, saleId, status } = told as ReservationNews;
    const apply = {
      payments: () => desk.hear(told as ReservationNews),
      queue: async () => grant !== undefined && hall.tell({ grant, saleId, bought: status === 'confirmed' }),
      reservations: () => office.db.transaction((tx) => office.service.paymentTold(tx, told as PaymentNews)),
    }[consumer];
    if (apply === undefined) throw new Error(`Nobody is called ${consumer}`);
    const databases = { payments: desk.db, queue: hall.db, reservations: office.db };
    const done = await this.mortal(databases[consumer as keyof typeof databases], nth, async () => {
      await apply();
      return true;
    });
    const table = db === office.db ? 'reservations_outbox' : 'payments_outbox';
    if (done) await db.transaction((tx) => tx.run(`DELETE FROM ${table} WHERE seq = ?`, [seq]));
    return true;
  }

  /** What holds at every moment: I1, I2, I4, I5, I8. */
  async check(): Promise<void> {
    const { clock, hall, office } = this.place;
    const now = clock.now();
    expect(this.surprises).toEqual([]);
    expect(await office.audit(this.saleId)).toMatchObject({ ok: true, violations: [] });
    const called = await hall.db.read((sql) =>
      sql.rows(
        "SELECT seq FROM queue_tickets WHERE sale_id = ? AND (status = 'admitted' OR (status = 'ready' AND ready_until > ?))",
        [this.saleId, now],
      ),
    );
    expect(called.length).toBeLessThanOrEqual(activePlaces);
    const sold = await office.db.read((sql) =>
      sql.rows<{ grant_id: string | null; status: string; held_until: number }>(
        'SELECT grant_id, status, held_until FROM reservations WHERE sale_id = ?',
        [this.saleId],
      ),
    );
    const grants = sold.map(({ grant_id: grant }) => grant);
    expect(grants).not.toContain(null);
    expect(new Set(grants).size).toBe(grants.length);
    const held = sold.filter(({ status, held_until: until }) => status === 'held' && until > now);
    expect(held.length).toBeLessThanOrEqual(activePlaces);
    // Expired is free for every reader at that instant, tidied up or not.
    const { reservations } = await asInternal(() =>
      office.service.listReservations({ saleId: this.saleId, pageSize: 100 }),
    );
    expect(reservations.filter(({ status }) => status === 'held')).toHaveLength(held.length);
  }

  guestOf(user: string): Guest {
    const known = this.guests.get(user) ?? { reservations: [], payments: [] };
    this.guests.set(user, known);
    return known;
  }

  /** Undefined when it was refused as it may be. What a process that has ended was asked is asked again; again, it is the same. */
  private async command<T>(
    name: keyof typeof refusals,
    db: Database,
    nth: number,
    call: () => Promise<T>,
  ): Promise<T | undefined> {
    const answers: T[] = [];
    const ask = () =>
      codeOf(
        call().then((told) => {
          answers.push(told);
        }),
      );
    await this.mortal(db, nth, ask);
    const code = await ask();
    if (code !== 'ok' && !refusals[name].includes(code)) this.surprises.push(`${name}: ${code}`);
    const [first, second] = answers;
    if (answers.length > 1) expect(second).toEqual(first);
    return second ?? first;
  }

  private async mortal<T>(db: Database, nth: number, work: () => Promise<T>): Promise<T | undefined> {
    const end = dieAt(db, nth);
    try {
      return await work();
    } catch (error) {
      if (error instanceof Died) return undefined;
      throw error;
    } finally {
      end.stop();
    }
  }
}
