import { ulid } from 'ulid';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { cancel, codeOf, confirm, hold, newSale, type Office, openOffice, pay } from './office';

// What a hold becomes: by its payment, by its buyer, or by the clock. One of them wins, and the others are told so.

describe.each(everyDatabase)('$name', ({ create }) => {
  let place: TestDatabase;
  let office: Office;

  beforeAll(async () => {
    place = await create();
    office = await openOffice(place);
  });
  afterAll(async () => {
    await office[Symbol.asyncDispose]();
    await place[Symbol.asyncDispose]();
  });

  const get = (user: string | undefined, id: string) => office.as(user, () => office.service.getReservation({ id }));
  const toldOf = async (id: string) =>
    (await office.announced()).flatMap(([status, of]) => (of === id ? [status] : []));
  const verify = (ticket: string | undefined) => office.service.verifyTicket({ ticket: ticket ?? '' });

  test('an authorized payment of exactly its amount confirms it, though its buyer never calls again', async () => {
    const saleId = await newSale(office);
    const held = await hold(office, 'ada', saleId, ['A1', 'A2']);
    await office.tell({ paymentId: ulid(), reservationId: held.id, status: 'authorized', amount: held.amount - 1 });
    await office.tell({
      paymentId: ulid(),
      reservationId: held.id,
      status: 'authorized',
      amount: 1000,
      currency: 'USD',
    });
    expect((await get('ada', held.id)).status).toBe('held');
    const paymentId = await pay(office, held);
    const confirmed = await get('ada', held.id);
    expect(confirmed).toMatchObject({ status: 'confirmed', paymentId, version: 2, ticket: expect.any(String) });
    expect(await verify(confirmed.ticket)).toMatchObject({
      valid: true,
      claims: { jti: held.id, sub: 'ada', saleId, items: [{ sectionId: 'seats', seatIds: ['A1', 'A2'] }] },
    });
    expect(await toldOf(held.id)).toEqual(['confirmed']);
    // The buyer's own call says the same, whatever came first.
    expect(await confirm(office, 'ada', held.id)).toEqual(confirmed);
    const other = () =>
      office.service.confirmReservation({ id: held.id, paymentId: ulid() }, { idempotencyKey: ulid() });
    expect(await codeOf(office.as('ada', other))).toBe('payment_not_approved');
    expect(await office.audit(saleId)).toMatchObject({ ok: true });
    expect(await codeOf(cancel(office, 'ada', held.id))).toBe('reservation_ended');
  });

  test('a confirm waits for the news of its payment; without it it is refused and nothing has changed', async () => {
    const held = await hold(office, 'ada', await newSale(office), 1);
    const key = ulid();
    const error = await confirm(office, 'ada', held.id, key).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'payment_not_approved', kind: 'version', details: { retryAfterMs: 1000 } });
    expect(await get('ada', held.id)).toEqual(held);
    const waiting = confirm(office, 'ada', held.id, key);
    await pay(office, held);
    expect((await waiting).status).toBe('confirmed');
  });

  test('what is free is confirmed at once', async () => {
    const saleId = await newSale(office);
    const { id } = await hold(office, 'ada', saleId, 2, { section: 'free' });
    expect(await confirm(office, 'ada', id)).toMatchObject({ status: 'confirmed', amount: 0 });
    expect((await office.audit(saleId)).ok).toBe(true);
  });

  test('whoever is overtaken by another change looks again, a few times', async () => {
    const saleId = await newSale(office);
    const { id } = await hold(office, 'ada', saleId, 1, { section: 'free' });
    const change = office.repository.change.bind(office.repository);
    let overtaken = 0;
    const isOvertaken = (times: number): void => {
      office.repository.change = async (...input) => {
        overtaken += 1;
        return overtaken <= times ? false : change(...input);
      };
    };
    isOvertaken(100);
    expect(await codeOf(confirm(office, 'ada', id, 'overtaken'))).toBe('resource_busy');
    expect(overtaken).toBe(4);
    overtaken = 0;
    isOvertaken(3);
    expect(await confirm(office, 'ada', id, 'overtaken')).toMatchObject({ status: 'confirmed' });
    office.repository.change = change;
    expect(await toldOf(id)).toEqual(['confirmed']);
    expect((await office.audit(saleId)).ok).toBe(true);
  });

  test('the same key five times at once is one confirmation and one answer, and so is a cancellation', async () => {
    const saleId = await newSale(office);
    const held = await hold(office, 'ada', saleId, 1);
    await pay(office, held);
    const answers = await Promise.all(Array.from({ length: 5 }, () => confirm(office, 'ada', held.id, 'confirm-it')));
    expect(new Set(answers.map((one) => JSON.stringify(one))).size).toBe(1);
    const other = await hold(office, 'ada', saleId, 1);
    const gone = await Promise.all(Array.from({ length: 5 }, () => cancel(office, 'ada', other.id, 'cancel-it')));
    expect(new Set(gone.map((one) => JSON.stringify(one))).size).toBe(1);
    expect(await toldOf(other.id)).toEqual(['cancelled']);
    expect((await office.audit(saleId)).ok).toBe(true);
  });

  test('confirm, cancel, payment and expiry at once: one of them wins, the others hear which', async () => {
    const saleId = await newSale(office, {
      maxPerUser: 1000,
      sections: [{ sectionId: 'floor', price: 100, capacity: 1000, seats: [] }],
    });
    for (let round = 0; round < 12; round += 1) {
      const held = await hold(office, 'ada', saleId, 1);
      if (round % 3 === 0) office.clock.ahead += 59_990;
      const outcomes = await Promise.all([
        codeOf(pay(office, held)),
        codeOf(cancel(office, 'ada', held.id)),
        codeOf(cancel(office, 'ada', held.id)),
        codeOf(office.repository.expire(saleId)),
      ]);
      const { status } = await get('ada', held.id);
      expect(['confirmed', 'cancelled', 'expired']).toContain(status);
      expect(await toldOf(held.id)).toEqual(status === 'expired' ? expect.anything() : [status]);
      if (status === 'confirmed') expect(outcomes.slice(1, 3)).not.toContain('ok');
    }
    office.clock.ahead += 120_000;
    await office.repository.expire(saleId);
    expect(await office.audit(saleId)).toMatchObject({ ok: true, violations: [] });
  });

  test('a payment that is authorized after the end changes nothing', async () => {
    const saleId = await newSale(office);
    const held = await hold(office, 'ada', saleId, 1);
    office.clock.ahead += 60_001;
    await pay(office, held);
    expect(await codeOf(confirm(office, 'ada', held.id))).toBe('reservation_expired');
    const again = await hold(office, 'ada', saleId, 1);
    await cancel(office, 'ada', again.id);
    await pay(office, again);
    expect((await get('ada', again.id)).status).toBe('cancelled');
    expect((await office.audit(saleId)).ok).toBe(true);
  });

  test('a capture that is refused for good revokes it: the ticket is worth nothing and the seats are free', async () => {
    const saleId = await newSale(office);
    const held = await hold(office, 'ada', saleId, ['A1']);
    const paymentId = await pay(office, held);
    const { ticket } = await get('ada', held.id);
    const told = { paymentId, reservationId: held.id, status: 'capture_refused', amount: held.amount } as const;
    await office.tell({ ...told, paymentId: ulid() });
    expect((await get('ada', held.id)).status).toBe('confirmed');
    await office.tell(told);
    expect((await get('ada', held.id)).status).toBe('revoked');
    expect(await verify(ticket)).toEqual({ valid: false, reason: 'revoked' });
    expect(await toldOf(held.id)).toEqual(['confirmed', 'revoked']);
    expect((await hold(office, 'bob', saleId, ['A1'])).status).toBe('held');
    expect((await office.audit(saleId)).ok).toBe(true);
  });

  test('a refund takes the ticket at once, and frees the seats when the money is back', async () => {
    const saleId = await newSale(office);
    const held = await hold(office, 'ada', saleId, ['A3']);
    const paymentId = await pay(office, held);
    const { ticket } = await get('ada', held.id);
    const told = { paymentId, reservationId: held.id, amount: held.amount };
    await office.tell({ ...told, status: 'refunding' });
    expect(await verify(ticket)).toEqual({ valid: false, reason: 'revoked' });
    expect(await codeOf(hold(office, 'bob', saleId, ['A3']))).toBe('seats_taken');
    expect((await office.audit(saleId)).ok).toBe(true);
    await office.tell({ ...told, status: 'refunded' });
    await office.tell({ ...told, status: 'refunded' });
    expect((await get('ada', held.id)).status).toBe('refunded');
    expect(await codeOf(hold(office, 'bob', saleId, ['A3']))).toBe('ok');
    expect(await toldOf(held.id)).toEqual(['confirmed', 'refunded']);
    expect((await office.audit(saleId)).ok).toBe(true);
  });

  test("another's reservation is not there, for any call; an operator sees all", async () => {
    const saleId = await newSale(office);
    const held = await hold(office, 'ada', saleId, 1);
    const extend = () => office.service.extendReservation({ id: held.id }, { idempotencyKey: ulid() });
    const foreign = [get('eve', held.id), confirm(office, 'eve', held.id), cancel(office, 'eve', held.id)];
    for (const call of [...foreign, office.as('eve', extend)]) expect(await codeOf(call)).toBe('reservation_not_found');
    const list = (user: string | undefined) =>
      office.as(user, async () => (await office.service.listReservations({ saleId })).reservations);
    expect(await list('eve')).toEqual([]);
    expect(await list('ada')).toEqual([held]);
    expect(await list(undefined)).toEqual([held]);
  });

  test('a ticket that was changed, or signed by somebody else, is refused by name', async () => {
    const { id } = await hold(office, 'ada', await newSale(office), 1, { section: 'free' });
    const { ticket = '' } = await confirm(office, 'ada', id);
    const [header = '', body = '', signature = ''] = ticket.split('.');
    const forged = Buffer.from(JSON.stringify({ jti: id, sub: 'eve' })).toString('base64url');
    expect(await verify(`${header}.${forged}.${signature}`)).toEqual({ valid: false, reason: 'signature' });
    const foreign = Buffer.from(JSON.stringify({ alg: 'HS256', kid: 'other', typ: 'ticket+jwt' })).toString(
      'base64url',
    );
    expect(await verify(`${foreign}.${body}.${signature}`)).toEqual({ valid: false, reason: 'unknown_key' });
    const receipt = Buffer.from(JSON.stringify({ alg: 'HS256', kid: 'dev', typ: 'receipt+jwt' })).toString('base64url');
    expect(await verify(`${receipt}.${body}.${signature}`)).toEqual({ valid: false, reason: 'malformed' });
    expect(await verify('no ticket')).toEqual({ valid: false, reason: 'malformed' });
  });
});
