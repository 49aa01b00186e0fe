import { ulid } from 'ulid';
import type { Reservation } from '../../../src/generated/aerie/reservations/v1/reservations';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { Died, dieAt } from '../../support/die-at';
import { cancel, confirm, hold, newSale, type Office, openOffice, pay } from './office';

// A process dies between any two statements of any command: nothing of it is there, and the same request again is done as
// if nothing had been.

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

  type Command = (held: Reservation, saleId: string, key: string) => Promise<unknown>;
  const commands: readonly (readonly [string, Command])[] = [
    ['hold', (_, saleId, key) => hold(office, 'bob', saleId, ['A3', 'A4'], { key })],
    ['cancel', ({ id }, _, key) => cancel(office, 'ada', id, key)],
    ['confirm', ({ id }, _, key) => confirm(office, 'ada', id, key)],
    ['payment', (held, _, key) => pay(office, held, key.slice(0, 26))],
    ['expiry', () => office.repository.expire()],
    [
      'extension',
      ({ id }, _, key) => office.as('ada', () => office.service.extendReservation({ id }, { idempotencyKey: key })),
    ],
  ];

  test.each(commands)('%s', async (name, command) => {
    for (let nth = 1; ; nth += 1) {
      const saleId = await newSale(office);
      // What is free is confirmed without a payment.
      const held = await hold(office, 'ada', saleId, name === 'confirm' ? 2 : ['A1', 'A2'], {
        section: name === 'confirm' ? 'free' : 'seats',
      });
      if (name === 'expiry') office.clock.ahead += 60_001;
      const get = () => office.as('ada', () => office.service.getReservation({ id: held.id }));
      const before = [await get(), await office.audit(saleId)];
      const key = ulid();
      const end = dieAt(office.db, nth);
      const failure = await command(held, saleId, key).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      end.stop();
      if (!end.died()) {
        // It has fewer statements than that, and was done.
        expect(failure).toBeUndefined();
        expect(nth).toBeGreaterThan(2);
        return;
      }
      expect(failure).toBeInstanceOf(Died);
      expect([await get(), await office.audit(saleId)]).toEqual(before);
      await command(held, saleId, key);
      expect((await office.audit(saleId)).ok).toBe(true);
      expect((await get()).status).toBe(
        { hold: 'held', cancel: 'cancelled', expiry: 'expired', extension: 'held' }[name] ?? 'confirmed',
      );
    }
  });
});
