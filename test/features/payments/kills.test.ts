import { ulid } from 'ulid';
import { paymentsContract as payments } from '../../../src/features/payments/payments.api';
import { reservationsContract as reservations } from '../../../src/features/reservations/reservations.api';
import { type AppProcess, startApp } from '../../support/app';
import { everyDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { untilAnswered } from '../../support/patiently';
import { HttpWire } from '../../support/wires';

// A real process is killed again and again while money moves; the provider, in tables of its own, forgets nothing.

const internal = 'an-internal-secret-of-32-bytes-or-more';
const methods = ['approve', 'timeout', 'delay', 'fail', 'out_of_order', 'capture_fail'];
const ends: Readonly<Record<string, string>> = { fail: 'failed', capture_fail: 'failed' };

const operator = () => ({ authorization: `Bearer ${internal}`, 'idempotency-key': ulid() });

/** As ada: a token would not outlive its process, whose key is its own. */
function ask(http: HttpWire, contract: typeof payments | typeof reservations, method: string, message: object) {
  const headers = { ...operator(), 'x-aerie-subject': 'ada' };
  return untilAnswered(() => http.call(contract, method, message, headers));
}

describe.each(everyDatabase.filter(({ name }) => name !== 'mysql'))('$name', ({ create }) => {
  test('killed while money moves: every payment comes to its one end, and the audit agrees', async () => {
    await using database = await create();
    const begin = (): Promise<AppProcess> =>
      startApp({
        databaseUrl: database.url,
        env: { INTERNAL_API_SECRET: internal, MODULES: 'users,auth,reservations,payments' },
      });
    let app = await begin();
    const sale = {
      ...{ saleId: 'final', title: 'The final', currency: 'EUR', opensAt: '2020-01-01T00:00:00Z', maxPerUser: 100 },
      ...{ holdSeconds: 900, sections: [{ sectionId: 'floor', price: 4000, capacity: 100 }] },
    };
    expect((await new HttpWire(app.url).call(reservations, 'createSale', sale, operator())).code).toBe('ok');
    const ids = new Map<string, string>();
    for (let round = 0; round < 3; round += 1) {
      const http = new HttpWire(app.url);
      for (const method of methods) {
        const asked = { saleId: 'final', items: [{ sectionId: 'floor', quantity: 1 }] };
        const reservationId = (await ask(http, reservations, 'createReservation', asked)).body.id;
        const id = String((await ask(http, payments, 'createPayment', { reservationId })).body.id);
        expect((await ask(http, payments, 'processPayment', { id, method })).code).toBe('ok');
        ids.set(id, ends[method] ?? 'completed');
      }
      // At another moment each time: whichever it is, the end is the same.
      await new Promise((resolve) => setTimeout(resolve, round * 400));
      await app.kill('SIGKILL');
      app = await begin();
    }
    const http = new HttpWire(app.url);
    await eventually(async () => {
      for (const [id, end] of ids)
        expect((await http.call(payments, 'getPayment', { id }, operator())).body.status).toBe(end);
    }, 90_000);
    const { body } = await http.call(payments, 'auditPayments', { saleId: 'final' }, operator());
    const taken = [...ids.values()].filter((end) => end === 'completed').length * 4000;
    expect(body).toEqual({
      ok: true,
      authorized: taken,
      captured: taken,
      refunded: 0,
      expected: taken,
      violations: [],
    });
    expect((await http.call(reservations, 'auditSale', { saleId: 'final' }, operator())).body.ok).toBe(true);
    await app.stop();
  }, 300_000);
});
