import { ulid } from 'ulid';
import { paymentsContract as payments } from '../../../src/features/payments/payments.api';
import { reservationsContract as reservations } from '../../../src/features/reservations/reservations.api';
import { everyDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { untilAnswered } from '../../support/patiently';
import { execute } from '../../support/statements';
import { openApp } from '../../support/wires';

// Many who buy from several sections at once take rows in one order: PostgreSQL, which counts those who waited for each
// other, has counted nobody.

const postgres = everyDatabase.find(({ name }) => name === 'postgres') as (typeof everyDatabase)[number];
const internal = 'an-internal-secret-of-32-bytes-or-more';
const saleId = 'mixed';
const wishes = [['floor'], ['box', 'floor'], ['floor', 'gift'], ['gift', 'box', 'floor']];

test('holds, payments and confirmations of several sections at once never wait for each other in a circle', async () => {
  await using database = await postgres.create();
  {
    await using app = await openApp(database.url, { INTERNAL_API_SECRET: internal });
    const ask = (contract: typeof payments | typeof reservations, method: string, message: object, user?: string) => {
      const headers: Record<string, string> = { authorization: `Bearer ${internal}`, 'idempotency-key': ulid() };
      if (user !== undefined) headers['x-aerie-subject'] = user;
      return untilAnswered(() => app.http.call(contract, method, message, headers));
    };
    const sections = ['floor', 'box', 'gift'].map((sectionId) => ({ sectionId, price: 100, capacity: 1000 }));
    const sale = {
      saleId,
      title: 'Mixed',
      currency: 'EUR',
      opensAt: '2020-01-01T00:00:00Z',
      holdSeconds: 900,
      sections,
    };
    expect((await ask(reservations, 'createSale', sale)).code).toBe('ok');
    const buy = async (n: number): Promise<void> => {
      const user = `buyer-${n}`;
      for (let round = 0; round < 4; round += 1) {
        const items = (wishes[(n + round) % wishes.length] ?? []).map((sectionId) => ({ sectionId, quantity: 1 }));
        const held = await ask(reservations, 'createReservation', { saleId, items }, user);
        expect(held.code).toBe(held.code === 'limit_exceeded' ? held.code : 'ok');
        if (held.code !== 'ok') return;
        if (round === 3) {
          await ask(reservations, 'cancelReservation', { id: held.body.id }, user);
          return;
        }
        const begun = await ask(payments, 'createPayment', { reservationId: held.body.id }, user);
        await ask(payments, 'processPayment', { id: begun.body.id, method: 'approve' }, user);
      }
    };
    await Promise.all(Array.from({ length: 40 }, (_, n) => buy(n)));
    await eventually(async () => {
      const { body } = await ask(reservations, 'getAvailability', { saleId });
      expect((body.sections as { held: number }[]).map(({ held }) => held)).toEqual([0, 0, 0]);
    }, 90_000);
    expect((await ask(reservations, 'auditSale', { saleId })).body.ok).toBe(true);
  }
  const name = new URL(database.url).pathname.slice(1);
  // Statistics are told at the latest when their connections have ended. A deadlock ends this statement with an error.
  await execute(
    database.url,
    'SELECT pg_sleep(1)',
    `SELECT 1 / (CASE WHEN deadlocks = 0 THEN 1 ELSE 0 END) FROM pg_stat_database WHERE datname = '${name}'`,
  );
});
