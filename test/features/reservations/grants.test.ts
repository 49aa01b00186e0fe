import { ulid } from 'ulid';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { cancel, codeOf, grantFor, hold, newSale, type Office, openOffice } from './office';

// A sale with a waiting room takes grants alone, each of them once, from whom it was given to.

describe.each(everyDatabase)('$name', ({ create }) => {
  let place: TestDatabase;
  let office: Office;
  let saleId: string;

  beforeAll(async () => {
    place = await create();
    office = await openOffice(place);
    saleId = await newSale(office, { queue: { activePlaces: 5 }, maxPerUser: 100 });
  });
  afterAll(async () => {
    await office[Symbol.asyncDispose]();
    await place[Symbol.asyncDispose]();
  });

  const voided = (jti: string) => office.as(undefined, () => office.service.voidGrant({ jti, saleId, userId: 'ada' }));

  test('the sale tells its waiting room, with what was left to us', async () => {
    expect((await office.service.getSale({ saleId })).queue).toEqual({
      ...{ activePlaces: 5, readySeconds: 30, grantSeconds: 30, silenceSeconds: 300 },
    });
  });

  test('none, a forged one, one of another user, of another sale, or run out is refused by name', async () => {
    const other = await newSale(office, { queue: {} });
    const good = await grantFor(office, saleId, 'ada');
    const past = Math.floor(office.clock.now() / 1000) - 5;
    const wrong = {
      forged: `${good.slice(0, -4)}AAAA`,
      'no grant': 'abc',
      "another's": await grantFor(office, saleId, 'bob'),
      'of another sale': await grantFor(office, other, 'ada'),
      'run out': await grantFor(office, saleId, 'ada', { exp: past }),
    };
    expect(await codeOf(hold(office, 'ada', saleId, 1))).toBe('grant_required');
    for (const [name, grant] of Object.entries(wrong))
      expect([name, await codeOf(hold(office, 'ada', saleId, 1, { grant }))]).toEqual([name, 'grant_invalid']);
    expect((await hold(office, 'ada', saleId, 1, { grant: good })).status).toBe('held');
  });

  test('used ten times at once it buys once, and stays used when its hold has ended', async () => {
    const grant = await grantFor(office, saleId, 'ada');
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, () => codeOf(hold(office, 'ada', saleId, 1, { grant }))),
    );
    expect(outcomes.filter((code) => code === 'ok').length).toBe(1);
    expect(outcomes.filter((code) => code === 'grant_used').length).toBe(9);
    const { reservations } = await office.as('ada', () => office.service.listReservations({ saleId }));
    await cancel(office, 'ada', reservations[0]?.id ?? '');
    expect(await codeOf(hold(office, 'ada', saleId, 1, { grant }))).toBe('grant_used');
  });

  test('a hold that is refused has not used it', async () => {
    const grant = await grantFor(office, saleId, 'ada');
    expect(await codeOf(hold(office, 'ada', saleId, ['Z9'], { grant }))).toBe('seat_not_found');
    expect(await codeOf(hold(office, 'ada', saleId, 1, { grant }))).toBe('ok');
  });

  test('a retry with the same key gets its answer, though its grant is used and has run out', async () => {
    const grant = await grantFor(office, saleId, 'ada');
    const first = await hold(office, 'ada', saleId, 1, { grant, key: 'again' });
    office.clock.ahead += 31_000;
    expect(await hold(office, 'ada', saleId, 1, { grant, key: 'again' })).toEqual(first);
  });

  test('voided or used: whoever is first has it, and both are told alike again', async () => {
    for (let round = 0; round < 6; round += 1) {
      const jti = ulid();
      const grant = await grantFor(office, saleId, 'ada', { jti });
      const [held, taken] = await Promise.all([codeOf(hold(office, 'ada', saleId, 1, { grant })), voided(jti)]);
      expect(held).toBe(taken.voided ? 'grant_used' : 'ok');
      expect(await voided(jti)).toEqual(taken);
      if (!taken.voided) expect(taken.reservationId).toEqual(expect.any(String));
    }
  });

  test('the end of a hold tells whose grant it was', async () => {
    const jti = ulid();
    const { id } = await hold(office, 'ada', saleId, 1, { grant: await grantFor(office, saleId, 'ada', { jti }) });
    await cancel(office, 'ada', id);
    const rows = await office.db.read((sql) =>
      sql.rows<{ body: string }>('SELECT body FROM reservations_outbox WHERE message_key = ?', [id]),
    );
    expect(rows.map(({ body }) => JSON.parse(body))).toEqual([
      expect.objectContaining({ grant: jti, status: 'cancelled' }),
    ]);
  });
});
