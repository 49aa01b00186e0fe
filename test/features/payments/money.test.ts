import { ulid } from 'ulid';
import { asInternal } from '../../../src/shared/auth/caller';
import { AppError } from '../../../src/shared/errors/app-error';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { asPlayer, authorize, chargesOf, complete, type Desk, openDesk, pay, process } from './desk';

// Where money is, and that it moves once: decided by SQL, so on every database.

const codes = async (all: readonly Promise<unknown>[]): Promise<string[]> =>
  (await Promise.allSettled(all))
    .map((one) =>
      one.status === 'fulfilled' ? 'ok' : one.reason instanceof AppError ? one.reason.code : String(one.reason),
    )
    .sort();
const meta = () => ({ idempotencyKey: ulid() });

describe.each(everyDatabase)('$name', ({ create }) => {
  let database: TestDatabase;
  let desk: Desk;
  let other: Desk;
  beforeAll(async () => {
    database = await create();
    desk = await openDesk(database.url);
    // Another process, at the same database; SQLite has one.
    other = database.url.startsWith('sqlite:') ? desk : await openDesk(database.url, desk);
  });
  afterAll(async () => {
    if (other !== desk) await other[Symbol.asyncDispose]();
    await desk[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });
  const refund = (id: string, amount?: number, idempotencyKey = ulid()) =>
    asInternal(() => desk.service.refundPayment({ id, ...(amount !== undefined && { amount }) }, { idempotencyKey }));
  const cancel = (id: string) => asInternal(() => desk.service.cancelPayment({ id }, meta()));
  const seen = (id: string) => asInternal(() => desk.service.getPayment({ id }));

  test('of ten payments of one reservation at once there is one; when it is over there may be another', async () => {
    const { id: reservationId } = desk.reservations.hold();
    const make = (i: number) =>
      asInternal(() => (i % 2 === 0 ? desk : other).service.createPayment({ reservationId }, meta()));
    expect(await codes(Array.from({ length: 10 }, (_, i) => make(i)))).toEqual(
      ['ok', ...Array(9).fill('payment_exists')].sort(),
    );
    const { payments } = await asInternal(() => desk.service.listPayments({ reservationId }));
    expect(payments).toHaveLength(1);
    expect(payments[0]).toMatchObject({ amount: 8000, currency: 'EUR', status: 'pending', userId: 'ada' });
    await cancel(payments[0]?.id ?? '');
    await make(0);
    expect((await asInternal(() => desk.service.listPayments({ reservationId }))).payments).toHaveLength(2);
  });

  test('the same Idempotency-Key five times at once has one effect and one answer, also after all has changed', async () => {
    const { id: reservationId } = desk.reservations.hold();
    const key = { idempotencyKey: ulid() };
    const five = <T>(call: () => Promise<T>): Promise<T[]> => Promise.all(Array.from({ length: 5 }, call));
    const made = await five(() => asInternal(() => desk.service.createPayment({ reservationId }, key)));
    expect(new Set(made.map((one) => JSON.stringify(one))).size).toBe(1);
    const id = made[0]?.id ?? '';
    const begin = () => asInternal(() => desk.service.processPayment({ id, method: 'approve' }, key));
    const begun = await five(begin);
    expect(new Set(begun.map((one) => JSON.stringify(one))).size).toBe(1);
    expect(begun[0]).toMatchObject({ status: 'processing', version: 2 });
    await desk.runner.round();
    expect(await chargesOf(desk, id)).toHaveLength(1);
    desk.reservations.end(reservationId, 'confirmed', id);
    expect(await asInternal(() => desk.service.createPayment({ reservationId }, key))).toEqual(made[0]);
    expect(await begin()).toEqual(begun[0]);
    await expect(asInternal(() => desk.service.createPayment({ reservationId: ulid() }, key))).rejects.toMatchObject({
      code: 'reservation_not_found',
    });
    const reused = asInternal(() => desk.service.processPayment({ id, method: 'fail' }, key));
    await expect(reused).rejects.toMatchObject({ code: 'idempotency_key_reused' });
  });

  test('processed twice at once, and carried by two processes, it is authorized once', async () => {
    const { id } = await pay(desk);
    const twice = [process(desk, id), process(other, id)];
    expect(await codes(twice)).toEqual(['ok', 'payment_not_pending']);
    await Promise.all([desk.runner.round(), other.runner.round(), desk.runner.round()]);
    expect(await chargesOf(desk, id)).toEqual([{ state: 'authorized', captured: 0, refunded: 0 }]);
    expect(await desk.status(id)).toBe('authorized');
    expect(await desk.announced(id)).toEqual(['authorized']);
  });

  test('what the provider refuses has failed, says why, and frees the reservation', async () => {
    const { id, reservation } = await authorize(desk, 'fail');
    expect(await seen(id)).toMatchObject({ status: 'failed', failure: 'card_declined' });
    expect(await desk.announced(id)).toEqual([]);
    await asInternal(() => desk.service.createPayment({ reservationId: reservation.id }, meta()));
  });

  test('it is captured after its reservation was confirmed, and not before', async () => {
    const { id, reservation } = await authorize(desk);
    for (let i = 0; i < 3; i += 1) {
      desk.clock.at += 40_000;
      await desk.round();
    }
    expect(await chargesOf(desk, id)).toEqual([{ state: 'authorized', captured: 0, refunded: 0 }]);
    const news = desk.reservations.end(reservation.id, 'confirmed', id);
    await desk.hear(news, news);
    await Promise.all([desk.round(), other.round()]);
    await desk.round();
    expect(await chargesOf(desk, id)).toEqual([{ state: 'captured', captured: 8000, refunded: 0 }]);
    expect(await seen(id)).toMatchObject({ status: 'completed', captured: 8000 });
    expect(await desk.announced(id)).toEqual(['authorized']);
  });

  test('a capture that is refused for good is announced once, and nothing stays set aside', async () => {
    const { id, reservation } = await authorize(desk, 'capture_fail');
    await desk.hear(desk.reservations.end(reservation.id, 'confirmed', id));
    for (let i = 0; i < 3; i += 1) await desk.round();
    expect(await seen(id)).toMatchObject({ status: 'failed', failure: 'do_not_honor', captured: 0 });
    expect(await desk.announced(id)).toEqual(['authorized', 'capture_refused']);
    expect(await chargesOf(desk, id)).toEqual([{ state: 'voided', captured: 0, refunded: 0 }]);
    await desk.hear(desk.reservations.end(reservation.id, 'revoked', id));
    await desk.round();
    expect(await desk.announced(id)).toEqual(['authorized', 'capture_refused']);
  });

  test.each(['cancelled', 'expired', 'revoked'] as const)(
    'when its reservation is %s what is set aside is let go of, and what was taken is given back',
    async (end) => {
      const aside = await authorize(desk);
      const begun = await pay(desk);
      const taken = await complete(desk);
      for (const { reservation } of [aside, begun, taken]) await desk.hear(desk.reservations.end(reservation.id, end));
      for (let i = 0; i < 2; i += 1) await desk.round();
      const over = end === 'expired' ? 'expired' : 'cancelled';
      expect([await desk.status(aside.id), await desk.status(begun.id)]).toEqual([over, over]);
      expect(await chargesOf(desk, aside.id)).toEqual([{ state: 'voided', captured: 0, refunded: 0 }]);
      expect(await seen(taken.id)).toMatchObject({ status: 'refunded', captured: 8000, refunded: 8000, refunding: 0 });
      expect(await chargesOf(desk, taken.id)).toEqual([{ state: 'captured', captured: 8000, refunded: 8000 }]);
      expect(await desk.announced(taken.id)).toEqual(['authorized', 'refunding', 'refunded']);
    },
  );

  test('what is approved after the reservation has expired is voided and never announced', async () => {
    const { id, reservation } = await pay(desk);
    await process(desk, id, 'late');
    await desk.runner.round();
    expect(await desk.status(id)).toBe('processing');
    await desk.hear(desk.reservations.end(reservation.id, 'expired'));
    await desk.settlement.draw();
    expect(await desk.status(id)).toBe('expired');
    desk.clock.at += 91_000;
    await desk.simulator.approve();
    desk.clock.at += 1000;
    await desk.deliver();
    await desk.round();
    expect(await chargesOf(desk, id)).toEqual([{ state: 'voided', captured: 0, refunded: 0 }]);
    expect([await desk.status(id), await desk.announced(id)]).toEqual(['expired', []]);
  });

  test('an end that is heard while the provider is asked, or before the answer is written down, is not missed', async () => {
    const { id, reservation } = await pay(desk);
    await process(desk, id);
    await desk.hear(desk.reservations.end(reservation.id, 'cancelled'));
    // The consequences are not drawn yet.
    for (let i = 0; i < 2; i += 1) await desk.runner.round();
    expect([await desk.status(id), await desk.announced(id)]).toEqual(['cancelled', []]);
    expect(await chargesOf(desk, id)).toEqual([{ state: 'voided', captured: 0, refunded: 0 }]);
    const again = asInternal(() => desk.service.createPayment({ reservationId: reservation.id }, meta()));
    await expect(again).rejects.toMatchObject({ code: 'reservation_not_held' });
  });

  test('of a cancel and an approval at once one wins, and the money is where the winner says', async () => {
    const winners = new Set<string>();
    for (let i = 0; i < 8; i += 1) {
      const { id } = await pay(desk);
      await process(desk, id, 'delay');
      await desk.runner.round();
      desk.clock.at += 2500;
      await desk.simulator.approve();
      // Whoever comes first is not always the one who began first.
      const both = [() => codes([cancel(id)]), () => other.deliver()];
      const [first, second] = await Promise.all((i % 2 === 0 ? both : both.reverse()).map((call) => call()));
      const [cancelled] = (i % 2 === 0 ? first : second) as string[];
      for (let round = 0; round < 2; round += 1) await desk.runner.round();
      const winner = cancelled === 'ok' ? 'cancelled' : 'authorized';
      winners.add(winner);
      expect([cancelled, await desk.status(id)]).toEqual([
        winner === 'cancelled' ? 'ok' : 'payment_not_cancellable',
        winner,
      ]);
      const [charge] = await chargesOf(desk, id);
      expect(charge?.state).toBe(winner === 'authorized' ? 'authorized' : 'voided');
      expect(await desk.announced(id)).toEqual(winner === 'authorized' ? ['authorized'] : []);
    }
    expect(winners.size).toBeGreaterThan(0);
  });

  test('a payment by which a reservation was confirmed although it was given up is announced as refused', async () => {
    const { id, reservation } = await pay(desk);
    await cancel(id);
    await desk.hear(desk.reservations.end(reservation.id, 'confirmed', id));
    await desk.round();
    expect(await desk.announced(id)).toEqual(['capture_refused']);
  });

  test('refunds at once are never more than was captured', async () => {
    const { id } = await complete(desk, { amount: 1000 });
    const outcomes = await codes(Array.from({ length: 6 }, () => refund(id, 300)));
    expect(outcomes).toEqual(['ok', 'ok', 'ok', ...Array(3).fill('refund_exceeds_capture')]);
    await Promise.all([desk.runner.round(), other.runner.round()]);
    expect(await seen(id)).toMatchObject({ status: 'partially_refunded', refunded: 900, refunding: 0 });
    const key = ulid();
    const rest = await Promise.all(Array.from({ length: 5 }, () => refund(id, undefined, key)));
    expect(new Set(rest.map((one) => JSON.stringify(one))).size).toBe(1);
    expect(rest[0]).toMatchObject({ refunding: 100 });
    await desk.runner.round();
    expect(await seen(id)).toMatchObject({ status: 'refunded', refunded: 1000, refunding: 0 });
    expect(await chargesOf(desk, id)).toEqual([{ state: 'captured', captured: 1000, refunded: 1000 }]);
    expect(await desk.announced(id)).toEqual(['authorized', 'refunding', 'refunded']);
    await expect(refund(id)).rejects.toMatchObject({ code: 'payment_not_refundable' });
  });

  test('the price is what reservations says; what is free, not held or not there is not paid', async () => {
    const make = (reservationId: string) => asInternal(() => desk.service.createPayment({ reservationId }, meta()));
    await expect(make(desk.reservations.hold({ amount: 0 }).id)).rejects.toMatchObject({ code: 'nothing_to_pay' });
    const ended = desk.reservations.hold({ status: 'expired' });
    await expect(make(ended.id)).rejects.toMatchObject({ code: 'reservation_not_held' });
    await expect(make(ulid())).rejects.toMatchObject({ code: 'reservation_not_found' });
    const { id, reservation } = await pay(desk, { amount: 1 });
    desk.reservations.end(reservation.id, 'expired');
    await expect(process(desk, id)).rejects.toMatchObject({ code: 'reservation_not_held' });
  });

  test('a player finds and pays the own ones alone; money moves with an Idempotency-Key alone', async () => {
    const { id, reservation } = await pay(desk, { userId: 'eve' });
    const { service } = desk;
    const strange = [
      () => service.getPayment({ id }),
      () => service.processPayment({ id }, meta()),
      () => service.cancelPayment({ id }, meta()),
    ];
    for (const call of strange)
      await expect(asPlayer('ada', call)).rejects.toMatchObject({ code: 'payment_not_found' });
    const foreign = () => service.createPayment({ reservationId: reservation.id }, meta());
    await expect(asPlayer('ada', foreign)).rejects.toMatchObject({ code: 'reservation_not_found' });
    expect((await asPlayer('eve', () => service.listPayments({}))).payments.map((one) => one.id)).toContain(id);
    expect((await asPlayer('bob', () => service.listPayments({}))).payments).toEqual([]);
    for (const call of [
      () => service.createPayment({ reservationId: reservation.id }),
      () => service.processPayment({ id }),
      () => service.cancelPayment({ id }),
      () => service.refundPayment({ id }),
    ])
      await expect(asInternal(async () => call())).rejects.toMatchObject({ code: 'idempotency_key_required' });
  });

  test('a payment that nobody begins is over some time after its reservation would have been', async () => {
    const { id } = await pay(desk);
    desk.clock.at += 16 * 60_000;
    await desk.settlement.expire();
    expect(await desk.status(id)).toBe('pending');
    desk.clock.at += 60_000;
    // A clock that was moved is believed again after a while.
    for (let i = 0; i < 4; i += 1) {
      desk.clock.at += 60_000;
      await desk.settlement.expire();
    }
    expect(await desk.status(id)).toBe('expired');
  });
});
