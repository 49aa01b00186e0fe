import { ulid } from 'ulid';
import { authContract as auth } from '../../../src/features/auth/auth.api';
import { eventsGatewayContract as gateway } from '../../../src/features/events-gateway/events-gateway.api';
import { paymentsContract as payments } from '../../../src/features/payments/payments.api';
import { reservationsContract as reservations } from '../../../src/features/reservations/reservations.api';
import type { Session } from '../../../src/generated/aerie/auth/v1/auth';
import type { DeadLetter } from '../../../src/generated/aerie/events_gateway/v1/events_gateway';
import type { AnyContract } from '../../../src/shared/contract/contract';
import type { Database } from '../../../src/shared/db/database';
import { openAt } from '../../shared/db/fixtures';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { openApp, type TestApp } from '../../support/wires';

// An announcement that a feature has given up is listed beside the events, and tried again when an operator says so.

const internal = 'an-internal-secret-of-32-bytes-or-more';
const operator = () => ({ authorization: `Bearer ${internal}`, 'idempotency-key': ulid() });

describe.each(everyDatabase)('$name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let db: Database;
  let ada: Session;
  beforeAll(async () => {
    database = await create();
    app = await openApp(database.url, { INTERNAL_API_SECRET: internal, AUTH_REQUIRED: 'true' });
    db = await openAt(database.url);
    const person = { name: 'ada', email: 'ada@example.com', password: 'correct horse' };
    ada = (await app.http.call(auth, 'register', person)).body as unknown as Session;
    const sale = {
      ...{ saleId: 'final', title: 'The final', currency: 'EUR', opensAt: '2020-01-01T00:00:00Z', holdSeconds: 900 },
      sections: [{ sectionId: 'floor', price: 4000, capacity: 10, seats: [] }],
    };
    expect((await app.grpc.call(reservations, 'createSale', sale, operator())).code).toBe('ok');
  });
  afterAll(async () => {
    await db.close();
    await app[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });
  const buyer = () => ({ authorization: `Bearer ${ada.accessToken}`, 'idempotency-key': ulid() });
  const call = async (contract: AnyContract, method: string, message: object, headers = buyer()) =>
    (await app.http.call(contract, method, message, headers)).body;
  const letters = async (filter: object = {}, wire = app.http) =>
    (await wire.call(gateway, 'listDeadLetters', filter, operator())).body.deadLetters as DeadLetter[];
  /** A count that is not what it must be: what sells from it fails, and no outage is the reason. */
  const countHeld = (held: number) => db.transaction((tx) => tx.run(`UPDATE reservations_sections SET held = ${held}`));
  const statusOf = async (id: unknown) => (await call(reservations, 'getReservation', { id })).status;

  test('parked, listed, redriven in vain, redriven, gone', async () => {
    const items = [{ sectionId: 'floor', quantity: 1 }];
    const { id: reservationId } = await call(reservations, 'createReservation', { saleId: 'final', items });
    const { id } = await call(payments, 'createPayment', { reservationId });
    await countHeld(0);
    await call(payments, 'processPayment', { id, method: 'approve' });
    await eventually(async () => expect(await letters()).toHaveLength(1));
    const [letter] = await letters({ consumer: 'reservations' }, app.grpc as never);
    expect(letter).toMatchObject({
      ...{ eventId: `payments/${letter?.eventSeq}`, consumer: 'reservations', type: 'payments', playerId: '' },
      ...{ feature: 'payments', key: id, reason: expect.stringContaining('held') },
    });
    expect(letter?.redrivenAt).toBeUndefined();
    expect(await letters({ consumer: 'payments' })).toEqual([]);
    const redrive = () => app.http.call(gateway, 'redriveDeadLetter', { id: letter?.id ?? '' }, operator());
    expect((await redrive()).body.redrivenAt).toEqual(expect.any(String));
    await eventually(async () => expect((await letters())[0]?.redrivenAt).toBeUndefined());
    expect(await letters()).toHaveLength(1);
    await countHeld(1);
    // A consumer of the log settles events alone.
    const settle = { id: letter?.id ?? '', outcome: 'applied' };
    expect((await app.grpc.call(gateway, 'settleDeadLetter', settle, operator())).code).toBe('dead_letter_not_found');
    expect(await statusOf(reservationId)).toBe('held');
    expect((await redrive()).code).toBe('ok');
    await eventually(async () => expect(await statusOf(reservationId)).toBe('confirmed'));
    await eventually(async () => expect(await letters()).toEqual([]));
    expect((await redrive()).code).toBe('dead_letter_not_found');
  });
});
