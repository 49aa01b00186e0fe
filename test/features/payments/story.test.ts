import { ulid } from 'ulid';
import { authContract as auth } from '../../../src/features/auth/auth.api';
import { paymentsContract as payments } from '../../../src/features/payments/payments.api';
import { reservationsContract as reservations } from '../../../src/features/reservations/reservations.api';
import type { Session } from '../../../src/generated/aerie/auth/v1/auth';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { openApp, type TestApp } from '../../support/wires';

// A sale with the real reservations: what is paid is sold, what is sold is paid, and money without a seat goes back.

const internal = 'an-internal-secret-of-32-bytes-or-more';
const operator = () => ({ authorization: `Bearer ${internal}`, 'idempotency-key': ulid() });

describe.each(everyDatabase)('$name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let ada: Session;
  beforeAll(async () => {
    database = await create();
    app = await openApp(database.url, { INTERNAL_API_SECRET: internal, AUTH_REQUIRED: 'true' });
    const person = { name: 'ada', email: 'ada@example.com', password: 'correct horse' };
    ada = (await app.http.call(auth, 'register', person)).body as unknown as Session;
    const sale = {
      ...{ saleId: 'final', title: 'The final', currency: 'EUR', opensAt: '2020-01-01T00:00:00Z', maxPerUser: 10 },
      sections: [{ sectionId: 'floor', price: 4000, capacity: 10, seats: [] }],
    };
    expect((await app.grpc.call(reservations, 'createSale', sale, operator())).code).toBe('ok');
  });
  afterAll(async () => {
    await app[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });
  const buyer = () => ({ authorization: `Bearer ${ada.accessToken}`, 'idempotency-key': ulid() });
  const call = async (
    contract: typeof payments | typeof reservations,
    method: string,
    message: object,
    headers = buyer(),
  ) => (await app.http.call(contract, method, message, headers)).body;
  const reserve = async () =>
    (await call(reservations, 'createReservation', { saleId: 'final', items: [{ sectionId: 'floor', quantity: 2 }] }))
      .id;
  const begin = async (method: string) => {
    const reservationId = await reserve();
    const { id, amount } = await call(payments, 'createPayment', { reservationId });
    expect(amount).toBe(8000);
    await call(payments, 'processPayment', { id, method });
    return { id, reservationId };
  };
  const both = async ({ id, reservationId }: { id: unknown; reservationId: unknown }) => [
    (await call(payments, 'getPayment', { id })).status,
    (await call(reservations, 'getReservation', { id: reservationId })).status,
  ];
  const become = (which: { id: unknown; reservationId: unknown }, ...states: string[]) =>
    eventually(async () => expect(await both(which)).toEqual(states));

  test('paid, sold, refunded: seats and money agree at the end', async () => {
    const paid = await begin('approve');
    await become(paid, 'completed', 'confirmed');
    const refused = await begin('fail');
    await become(refused, 'failed', 'held');
    await call(reservations, 'cancelReservation', { id: refused.reservationId });
    const uncapturable = await begin('capture_fail');
    await become(uncapturable, 'failed', 'revoked');
    const late = await begin('late');
    await call(reservations, 'cancelReservation', { id: late.reservationId });
    await become(late, 'cancelled', 'cancelled');
    const back = await begin('approve');
    await become(back, 'completed', 'confirmed');
    await call(payments, 'refundPayment', { id: back.id }, operator());
    await become(back, 'refunded', 'refunded');
    await eventually(async () =>
      expect(await call(payments, 'auditPayments', { saleId: 'final' }, operator())).toEqual({
        ...{ ok: true, authorized: 16_000, captured: 16_000, refunded: 8000, expected: 8000, violations: [] },
      }),
    );
    expect(await call(reservations, 'auditSale', { saleId: 'final' }, operator())).toMatchObject({ ok: true });
  });
});
