import { asInternal } from '../../../src/shared/auth/caller';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { execute } from '../../support/statements';
import { authorize, complete, type Desk, openDesk, pay } from './desk';
import { saleId } from './fake-reservations';

// The audit counts anew on both sides and finds each thing that must not be.

describe.each(everyDatabase)('$name', ({ create }) => {
  let database: TestDatabase;
  let desk: Desk;
  beforeEach(async () => {
    database = await create();
    desk = await openDesk(database.url);
  });
  afterEach(async () => {
    await desk[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });
  const audit = () => asInternal(() => desk.service.auditPayments({ saleId }));
  /** Money may be on its way for a minute. */
  const later = (): void => {
    desk.clock.at += 61_000;
  };
  const kinds = async () => (await audit()).violations.map(({ kind, paymentId }) => [kind, paymentId]);

  test('a sale with payments of every kind is in order, over many pages', async () => {
    for (let i = 0; i < 105; i += 1) desk.reservations.hold({ status: 'confirmed', amount: 0 });
    await pay(desk);
    const aside = await authorize(desk);
    await authorize(desk, 'fail');
    const taken = await complete(desk, { amount: 1000 });
    const back = await complete(desk, { amount: 300 });
    await desk.hear(desk.reservations.end(back.reservation.id, 'refunded'));
    await desk.round();
    await desk.round();
    await desk.hear(desk.reservations.end(aside.reservation.id, 'expired'));
    await desk.round();
    await desk.round();
    later();
    expect(await audit()).toEqual({
      ...{ ok: true, authorized: 1300, captured: 1300, refunded: 300, expected: 1000 },
      violations: [],
    });
    expect(taken.id).not.toBe(back.id);
    expect(await asInternal(() => desk.service.auditPayments({ saleId: 'another-sale' }))).toMatchObject({
      ok: true,
      captured: 0,
    });
    await expect(asInternal(() => desk.service.auditPayments({ saleId: 'no-such-sale' }))).rejects.toMatchObject({
      code: 'sale_not_found',
    });
  });

  test('the process audits what is on by itself, and /metrics tells what it finds', async () => {
    const { id } = await complete(desk);
    later();
    expect(await desk.auditAll()).toBe(0);
    await execute(database.url, `UPDATE payments SET status = 'failed', captured = 0 WHERE id = '${id}'`);
    expect(await desk.auditAll()).toBe(1);
    desk.reservations.state = 'closed';
    expect(await desk.auditAll()).toBe(0);
  });

  test('what is sold while the audit goes through the sale is no orphan', async () => {
    await complete(desk);
    const list = desk.reservations.listReservations.bind(desk.reservations);
    let sold = 0;
    jest.spyOn(desk.reservations, 'listReservations').mockImplementation(async (asked) => {
      const page = await list(asked);
      if (sold === 0) await complete(desk);
      sold += 1;
      return page;
    });
    expect(await audit()).toMatchObject({ ok: true, violations: [] });
    expect(sold).toBeGreaterThan(0);
  });

  test('a reservation that is sold and not paid', async () => {
    const { id } = await complete(desk);
    later();
    await execute(database.url, `UPDATE payments SET status = 'failed', captured = 0 WHERE id = '${id}'`);
    expect(await audit()).toMatchObject({
      ok: false,
      violations: [{ kind: 'unpaid', message: 'costs 8000 and nothing pays for it' }],
    });
  });

  test.each(['amount = 7999', 'captured = 7999'])('money that is not what it costs: %s', async (change) => {
    const { id } = await complete(desk);
    later();
    await execute(database.url, `UPDATE payments SET ${change} WHERE id = '${id}'`);
    expect(await kinds()).toEqual([['amount', id]]);
  });

  test('money for a reservation that has ended, or that nobody knows', async () => {
    const aside = await authorize(desk);
    const taken = await complete(desk);
    // Nobody announces it.
    for (const { reservation } of [aside, taken]) desk.reservations.end(reservation.id, 'expired');
    expect(await kinds()).toEqual([]);
    later();
    expect(await kinds()).toEqual([
      ['orphan', aside.id],
      ['orphan', taken.id],
    ]);
    const other = await authorize(desk);
    await execute(database.url, `UPDATE payments SET reservation_id = 'nobody' WHERE id = '${other.id}'`);
    expect(await kinds()).toContainEqual(['orphan', other.id]);
  });

  test('more given back than was taken', async () => {
    const { id } = await complete(desk);
    later();
    await execute(database.url, `UPDATE payments SET refunded = 8001 WHERE id = '${id}'`);
    expect(await kinds()).toEqual([['over_refunded', id]]);
  });

  test('one reservation paid twice', async () => {
    const first = await complete(desk);
    const second = await complete(desk);
    later();
    const text = `UPDATE payments SET reservation_id = '${first.reservation.id}' WHERE id = '${second.id}'`;
    await execute(database.url, text);
    expect((await kinds()).map(([kind]) => kind).sort()).toEqual(['double', 'unpaid']);
  });

  test('money that the provider has not let go of for more than a minute', async () => {
    const { id, reservation } = await authorize(desk);
    await desk.hear(desk.reservations.end(reservation.id, 'expired'));
    await desk.settlement.draw();
    expect(await kinds()).toEqual([]);
    later();
    expect(await kinds()).toEqual([['orphan', id]]);
    await desk.runner.round();
    expect(await kinds()).toEqual([]);
  });
});
