import { ulid } from 'ulid';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { codeOf, confirm, hold, newSale, type Office, openOffice } from './office';

// Holds: all or nothing, never more than there is, free again at the very instant at which they run out.

describe.each(everyDatabase)('$name', ({ create }) => {
  let place: TestDatabase;
  let office: Office;
  let other: Office;

  beforeAll(async () => {
    place = await create();
    office = await openOffice(place);
    // On SQLite one process has the file.
    other = place.url.startsWith('sqlite') ? office : await openOffice(place);
  });
  afterAll(async () => {
    await office[Symbol.asyncDispose]();
    if (other !== office) await other[Symbol.asyncDispose]();
    await place[Symbol.asyncDispose]();
  });

  const levels = async (saleId: string) => {
    const { sections } = await office.service.getAvailability({ saleId });
    return Object.fromEntries(
      sections.map(({ sectionId, available, held, sold, blocked }) => [sectionId, [available, held, sold, blocked]]),
    );
  };

  test('is priced by the server and holds all of the items or none of them', async () => {
    const saleId = await newSale(office);
    const both = (quantity: number) => ({
      saleId,
      items: [
        { sectionId: 'floor', quantity, seatIds: [] },
        { sectionId: 'seats', seatIds: ['A2', 'A1'] },
      ],
    });
    const held = await office.as('ada', () => office.service.createReservation(both(3), { idempotencyKey: ulid() }));
    expect(held).toMatchObject({
      userId: 'ada',
      status: 'held',
      amount: 3 * 100 + 2 * 500,
      currency: 'EUR',
      version: 1,
    });
    expect(held.items).toEqual([
      { sectionId: 'floor', quantity: 3, seatIds: [] },
      { sectionId: 'seats', seatIds: ['A2', 'A1'] },
    ]);
    const seats = office.as('bob', () => office.service.createReservation(both(2), { idempotencyKey: ulid() }));
    await expect(seats).rejects.toMatchObject({ code: 'seats_taken', details: { seatIds: ['A2', 'A1'] } });
    const floor = await office.audit(saleId);
    expect(floor.ok).toBe(true);
    expect(floor.sections.find(({ sectionId }) => sectionId === 'floor')).toMatchObject({ available: 7, held: 3 });
  });

  test.each([
    ['a section that is not there', [{ sectionId: 'roof', quantity: 1, seatIds: [] }], 'section_not_found'],
    ['a seat that is not there', [{ sectionId: 'seats', seatIds: ['A1', 'Z9'] }], 'seat_not_found'],
    ['a quantity of seats', [{ sectionId: 'seats', quantity: 2, seatIds: [] }], 'validation_failed'],
    ['seats of the floor', [{ sectionId: 'floor', seatIds: ['A1'] }], 'validation_failed'],
    ['nothing', [{ sectionId: 'floor', seatIds: [] }], 'validation_failed'],
    ['a seat twice', [{ sectionId: 'seats', seatIds: ['A1', 'A1'] }], 'validation_failed'],
    ['more than one may at once', [{ sectionId: 'floor', quantity: 11, seatIds: [] }], 'limit_exceeded'],
  ])('%s is refused, and nothing is held', async (_, items, code) => {
    const saleId = await newSale(office, { maxPerUser: 100 });
    const refused = office.as('ada', () =>
      office.service.createReservation({ saleId, items }, { idempotencyKey: 'k' }),
    );
    expect(await codeOf(refused)).toBe(code);
    expect(await levels(saleId)).toEqual({ seats: [4, 0, 0, 0], floor: [10, 0, 0, 0], free: [3, 0, 0, 0] });
    expect((await office.audit(saleId)).ok).toBe(true);
  });

  test('sixty buyers in two processes want ten places and four seats: none is sold twice, none is left', async () => {
    const saleId = await newSale(office);
    const seats = ['A1', 'A2', 'A3', 'A4'];
    const outcomes = await Promise.all(
      Array.from({ length: 60 }, (_, i) => {
        const at = i % 2 ? office : other;
        return codeOf(
          hold(at, `buyer-${i}`, saleId, i < 30 ? 1 : [seats[i % 4] as string, seats[(i + 1) % 4] as string]),
        );
      }),
    );
    const codes = (from: number, to: number) => outcomes.slice(from, to).filter((code) => code === 'ok').length;
    expect(codes(0, 30)).toBe(10);
    expect([1, 2]).toContain(codes(30, 60));
    expect(new Set(outcomes)).toEqual(new Set(['ok', 'sold_out', 'seats_taken']));
    expect(await office.audit(saleId)).toMatchObject({ ok: true, violations: [] });
    expect((await levels(saleId)).floor).toEqual([0, 10, 0, 0]);
  });

  test('one buyer who comes ten times at once has no more than one may', async () => {
    const saleId = await newSale(office, { maxPerUser: 3 });
    const tries = Array.from({ length: 10 }, (_, i) => codeOf(hold(i % 2 ? office : other, 'ada', saleId, 1)));
    const outcomes = await Promise.all(tries);
    expect(outcomes.filter((code) => code === 'ok').length).toBe(3);
    expect(outcomes.filter((code) => code === 'limit_exceeded').length).toBe(7);
    expect((await office.audit(saleId)).ok).toBe(true);
  });

  test('the same key five times at once, in two processes, is one hold and one answer; another body is refused', async () => {
    const saleId = await newSale(office);
    const again = (wanted: number, at = office) => hold(at, 'ada', saleId, wanted, { key: 'the-key' });
    const answers = await Promise.all(Array.from({ length: 5 }, (_, i) => again(2, i % 2 ? office : other)));
    expect(new Set(answers.map((one) => JSON.stringify(one))).size).toBe(1);
    expect((await levels(saleId)).floor).toEqual([8, 2, 0, 0]);
    expect(await codeOf(again(3))).toBe('idempotency_key_reused');
    const unkeyed = office.as('ada', () => office.service.createReservation({ saleId, items: [] }));
    expect(await codeOf(unkeyed)).toBe('idempotency_key_required');
  });

  test('what has run out is free at that instant: for readers, for buyers and for the limit of its own buyer', async () => {
    const saleId = await newSale(office, { maxPerUser: 10, holdSeconds: 60 });
    const first = await hold(office, 'ada', saleId, 10);
    await hold(office, 'ada', await newSale(office), ['A1']);
    expect(await codeOf(hold(office, 'bob', saleId, 1))).toBe('sold_out');
    expect(await codeOf(hold(office, 'ada', saleId, ['A1']))).toBe('limit_exceeded');
    office.clock.ahead += 60_001;
    expect((await levels(saleId)).floor).toEqual([10, 0, 0, 0]);
    const get = () => office.as('ada', () => office.service.getReservation({ id: first.id }));
    const ended = await get();
    // Another state is another version, or what is known of it would be taken for true.
    expect(ended).toEqual({ ...first, status: 'expired', version: 2, updatedAt: first.heldUntil });
    expect(await codeOf(confirm(office, 'ada', first.id))).toBe('reservation_expired');
    // Nobody has tidied up: the buyer's own question does.
    expect((await hold(office, 'ada', saleId, 10)).status).toBe('held');
    expect(await get()).toEqual(ended);
    expect(await codeOf(hold(office, 'bob', saleId, 1))).toBe('sold_out');
    expect((await office.announced()).filter(([, id]) => id === first.id)).toEqual([['expired', first.id]]);
    expect((await office.audit(saleId)).ok).toBe(true);
  });

  test('seats of a hold that has run out are shown and sold as free', async () => {
    const saleId = await newSale(office, { maxPerUser: 100 });
    await hold(office, 'ada', saleId, ['A1', 'A2']);
    office.clock.ahead += 60_001;
    const { seats } = await office.service.getAvailability({ saleId, sectionId: 'seats' });
    expect(seats.map(({ state }) => state)).toEqual(['available', 'available', 'available', 'available']);
    expect((await hold(office, 'bob', saleId, ['A1', 'A2', 'A3'])).status).toBe('held');
    expect((await office.audit(saleId)).ok).toBe(true);
  });

  test('is extended once, by a minute, and not after its end', async () => {
    const saleId = await newSale(office);
    const { id, heldUntil } = await hold(office, 'ada', saleId, 1);
    const extend = (key: string) =>
      office.as('ada', () => office.service.extendReservation({ id }, { idempotencyKey: key }));
    const extended = await extend('a');
    expect(Date.parse(extended.heldUntil) - Date.parse(heldUntil)).toBe(60_000);
    expect(await extend('a')).toEqual(extended);
    expect(await codeOf(extend('b'))).toBe('already_extended');
    office.clock.ahead += 60_001;
    expect((await office.as('ada', () => office.service.getReservation({ id }))).status).toBe('held');
    office.clock.ahead += 60_001;
    expect(await codeOf(extend('c'))).toBe('reservation_expired');
  });

  test('a sale that is not open, paused or over says so, and who holds something goes on', async () => {
    const before = await newSale(office, { opensAt: new Date(Date.now() + 3_600_000).toISOString() });
    const early = hold(office, 'ada', before, 1);
    await expect(early).rejects.toMatchObject({ code: 'sale_not_open', details: { retryAfterMs: expect.any(Number) } });
    const saleId = await newSale(office);
    const { id } = await hold(office, 'ada', saleId, 1, { section: 'free' });
    const set = (state: string) => office.as(undefined, () => office.service.setSaleState({ saleId, state }));
    await set('paused');
    expect(await codeOf(hold(office, 'bob', saleId, 1))).toBe('sale_paused');
    expect((await confirm(office, 'ada', id)).status).toBe('confirmed');
    await set('open');
    expect(await codeOf(hold(office, 'bob', saleId, 1))).toBe('ok');
    await set('closed');
    expect(await codeOf(hold(office, 'bob', saleId, 1))).toBe('sale_closed');
    expect(await codeOf(set('open'))).toBe('sale_closed');
  });
});
