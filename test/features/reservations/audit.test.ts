import { everyDatabase, type TestDatabase } from '../../support/databases';
import { codeOf, confirm, hold, newSale, type Office, openOffice, pay } from './office';

// The audit counts everything anew: each fault that is planted in the tables is found and named.

describe.each(everyDatabase)('$name', ({ create }) => {
  let place: TestDatabase;
  let office: Office;
  let saleId: string;
  let sold: string;
  let held: string;

  beforeAll(async () => {
    place = await create();
    office = await openOffice(place);
  });
  beforeEach(async () => {
    saleId = await newSale(office);
    const bought = await hold(office, 'ada', saleId, ['A1']);
    await pay(office, bought);
    sold = bought.id;
    held = (await hold(office, 'bob', saleId, 2)).id;
    await hold(office, 'cleo', saleId, ['A2', 'A3']);
  });
  afterAll(async () => {
    await office[Symbol.asyncDispose]();
    await place[Symbol.asyncDispose]();
  });

  const plant = (text: string, ...params: string[]) => office.db.transaction((tx) => tx.run(text, params));

  test('the process audits what is on by itself, and /metrics tells what it finds', async () => {
    expect(await office.auditAll()).toBe(0);
    await plant("UPDATE reservations_sections SET sold = sold + 1 WHERE sale_id = ? AND section_id = 'floor'", saleId);
    const { violations } = await office.audit(saleId);
    expect(violations.length).toBeGreaterThan(0);
    expect(await office.auditAll()).toBe(violations.length);
    await office.as(undefined, () => office.service.setSaleState({ saleId, state: 'paused' }));
    expect(await office.auditAll()).toBe(0);
  });

  test('a sale as it should be', async () => {
    expect(await office.audit(saleId)).toEqual({
      ok: true,
      sections: [
        { sectionId: 'floor', capacity: 10, available: 8, held: 2, sold: 0, blocked: 0 },
        { sectionId: 'free', capacity: 3, available: 3, held: 0, sold: 0, blocked: 0 },
        { sectionId: 'seats', capacity: 4, available: 1, held: 2, sold: 1, blocked: 0 },
      ],
      violations: [],
    });
    expect(await codeOf(office.audit('no-such-sale'))).toBe('sale_not_found');
  });

  const faults: readonly (readonly [string, string, () => string[], string[]])[] = [
    [
      'a place more than there is',
      "UPDATE reservations_sections SET available = available + 1 WHERE sale_id = ? AND section_id = 'floor'",
      () => [saleId],
      ['sum'],
    ],
    [
      'places that are held by nobody',
      "UPDATE reservations_sections SET available = available - 1, held = held + 1 WHERE sale_id = ? AND section_id = 'floor'",
      () => [saleId],
      ['held'],
    ],
    [
      'fewer than nothing',
      "UPDATE reservations_sections SET available = -1, blocked = blocked + 9 WHERE sale_id = ? AND section_id = 'floor'",
      () => [saleId],
      ['sum'],
    ],
    [
      'places that were sold to nobody',
      "UPDATE reservations_sections SET available = available - 1, sold = sold + 1 WHERE sale_id = ? AND section_id = 'floor'",
      () => [saleId],
      ['sold'],
    ],
    [
      'a hold that was lost',
      "UPDATE reservations SET status = 'expired' WHERE id = ?",
      () => [held],
      ['buyer', 'held'],
    ],
    [
      'a seat that was freed though it is sold',
      "UPDATE reservations_seats SET state = 'available', reservation_id = NULL WHERE reservation_id = ?",
      () => [sold],
      ['seats', 'seats'],
    ],
    [
      'a seat of nobody',
      'UPDATE reservations_seats SET reservation_id = NULL WHERE reservation_id = ?',
      () => [sold],
      ['seat'],
    ],
    [
      'a buyer who is counted with less',
      "UPDATE reservations_buyers SET quantity = 0 WHERE sale_id = ? AND user_id = 'bob'",
      () => [saleId],
      ['buyer'],
    ],
    [
      'a ticket that nobody has paid',
      'DELETE FROM reservations_payments WHERE reservation_id = ?',
      () => [sold],
      ['unpaid'],
    ],
    [
      'a payment of less',
      'UPDATE reservations_payments SET amount = amount - 1 WHERE reservation_id = ?',
      () => [sold],
      ['unpaid'],
    ],
    [
      'a price that was changed',
      'UPDATE reservations_items SET price = 1 WHERE reservation_id = ?',
      () => [held],
      ['items'],
    ],
  ];

  test.each(faults)('%s', async (_, text, params, kinds) => {
    expect(await plant(text, ...params())).toBe(1);
    const { ok, violations } = await office.audit(saleId);
    expect(violations.map(({ kind }) => kind).sort()).toEqual(kinds);
    expect(ok).toBe(false);
  });

  test('blocked seats cannot be had until they are given back', async () => {
    const block = { saleId, sectionId: 'seats', seatIds: ['A4'] };
    await office.as(undefined, () => office.service.blockSeats(block));
    expect(await codeOf(hold(office, 'dora', saleId, ['A4']))).toBe('seats_taken');
    const blocked = (seatIds: string[]) =>
      codeOf(office.as(undefined, () => office.service.blockSeats({ ...block, seatIds })));
    const unblocked = (more: object) =>
      codeOf(office.as(undefined, () => office.service.unblockSeats({ ...block, ...more })));
    for (const seats of [['A1'], ['A2'], ['A4']]) expect(await blocked(seats)).toBe('seats_taken');
    expect(await blocked(['A4', 'Z9'])).toBe('seat_not_found');
    expect(await unblocked({ seatIds: ['A1'] })).toBe('not_blocked');
    expect(await unblocked({ sectionId: 'floor', seatIds: [], quantity: 1 })).toBe('not_blocked');
    expect((await office.audit(saleId)).ok).toBe(true);
    await office.as(undefined, () => office.service.unblockSeats(block));
    expect(await codeOf(hold(office, 'dora', saleId, ['A4']))).toBe('ok');
    const free = await hold(office, 'dora', saleId, 1, { section: 'free' });
    await confirm(office, 'dora', free.id);
    expect((await office.audit(saleId)).ok).toBe(true);
  });
});
