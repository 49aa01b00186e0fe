import { ulid } from 'ulid';
import { authContract as auth } from '../../src/features/auth/auth.api';
import { paymentsContract as payments } from '../../src/features/payments/payments.api';
import { queueContract as queue } from '../../src/features/queue/queue.api';
import { reservationsContract as reservations } from '../../src/features/reservations/reservations.api';
import type { AnyContract } from '../../src/shared/contract/contract';
import { everyDatabase, type TestDatabase } from '../support/databases';
import { eventually } from '../support/eventually';
import { type Outcome, openApp, type TestApp } from '../support/wires';

// Every command of a launch, five times at once with one Idempotency-Key, over both wires of two processes: one effect, and
// answers that are the same to the letter. Again when all is over it is the same answer still.

const internal = 'an-internal-secret-of-32-bytes-or-more';
const times = 5;

describe.each(everyDatabase)('$name', ({ create, name }) => {
  let database: TestDatabase;
  const apps: TestApp[] = [];
  let ada: Record<string, string>;
  const operator = { authorization: `Bearer ${internal}` };
  const asked: { contract: AnyContract; method: string; message: object; headers: object; answer: Outcome['body'] }[] =
    [];

  beforeAll(async () => {
    database = await create();
    const env = { INTERNAL_API_SECRET: internal, AUTH_REQUIRED: 'true', JWT_KEYS: `one:${'k'.repeat(32)}` };
    // On SQLite one process has the file.
    for (let i = 0; i < (name === 'sqlite' ? 1 : 2); i += 1) apps.push(await openApp(database.url, env));
    const person = { name: 'ada', email: 'ada@example.com', password: 'correct horse' };
    const { body } = await (apps[0] as TestApp).http.call(auth, 'register', person);
    ada = { authorization: `Bearer ${body.accessToken}` };
  });
  afterAll(async () => {
    for (const app of apps) await app[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  /** Answers what all five were told. */
  async function five(contract: AnyContract, method: string, message: object, as: object): Promise<Outcome['body']> {
    const headers = { ...as, 'idempotency-key': ulid() };
    const calls = Array.from({ length: times }, (_, i) => {
      const app = apps[i % apps.length] as TestApp;
      return (i % 4 < 2 ? app.http : app.grpc).call(contract, method, message, headers);
    });
    const outcomes = await Promise.all(calls);
    expect([method, ...outcomes.map(({ code }) => code)]).toEqual([method, ...outcomes.map(() => 'ok')]);
    const [first, ...others] = outcomes.map(({ body }) => body);
    for (const other of others) expect(other).toEqual(first);
    asked.push({ contract, method, message, headers, answer: first as Outcome['body'] });
    return first as Outcome['body'];
  }

  const sections = [
    { sectionId: 'floor', price: 4000, capacity: 50, seats: [] },
    { sectionId: 'box', price: 0, seats: ['A1', 'A2', 'A3'] },
  ];
  const sale = { title: 'The final', currency: 'EUR', opensAt: '2020-01-01T00:00:00Z', holdSeconds: 900, sections };
  const floor = (saleId: string) => ({ saleId, items: [{ sectionId: 'floor', quantity: 1 }] });

  test('sales', async () => {
    const { saleId } = await five(reservations, 'createSale', { ...sale, saleId: 'final' }, operator);
    const seats = { saleId, sectionId: 'box', seatIds: ['A3'] };
    expect(await five(reservations, 'blockSeats', seats, operator)).toMatchObject({ blocked: 1, available: 2 });
    expect(await five(reservations, 'unblockSeats', seats, operator)).toMatchObject({ blocked: 0, available: 3 });
    const change = { saleId, title: 'The last', sections: [{ sectionId: 'box', seats: ['A4'] }], expectedVersion: 1 };
    expect(await five(reservations, 'updateSale', change, operator)).toMatchObject({ title: 'The last', version: 2 });
    expect(await five(reservations, 'setSaleState', { saleId, state: 'paused' }, operator)).toMatchObject({
      version: 3,
    });
    expect(await five(reservations, 'setSaleState', { saleId, state: 'open' }, operator)).toMatchObject({ version: 4 });
  });

  test('reservations', async () => {
    const { id } = await five(reservations, 'createReservation', floor('final'), ada);
    expect(await five(reservations, 'extendReservation', { id }, ada)).toMatchObject({ extended: true });
    expect(await five(reservations, 'cancelReservation', { id }, ada)).toMatchObject({ status: 'cancelled' });
    const free = { saleId: 'final', items: [{ sectionId: 'box', seatIds: ['A1'] }] };
    const { id: gift } = await five(reservations, 'createReservation', free, ada);
    expect(await five(reservations, 'confirmReservation', { id: gift }, ada)).toMatchObject({ status: 'confirmed' });
  });

  test('payments', async () => {
    const statusOf = async (id: unknown) =>
      (await (apps[0] as TestApp).http.call(payments, 'getPayment', { id: id as string }, ada)).body.status;
    const begin = async () => {
      const { id: reservationId } = await five(reservations, 'createReservation', floor('final'), ada);
      const { id } = await five(payments, 'createPayment', { reservationId }, ada);
      return { id, reservationId };
    };
    const given = await begin();
    expect(await five(payments, 'cancelPayment', { id: given.id }, ada)).toMatchObject({ status: 'cancelled' });
    const { id, reservationId } = await begin();
    await five(payments, 'processPayment', { id, method: 'approve' }, ada);
    await five(reservations, 'confirmReservation', { id: reservationId, paymentId: id }, ada);
    await eventually(async () => expect(await statusOf(id)).toBe('completed'));
    await five(payments, 'refundPayment', { id, amount: 1500 }, operator);
    await eventually(async () => expect(await statusOf(id)).toBe('partially_refunded'));
  });

  test('the waiting room', async () => {
    const saleId = 'queued';
    await five(reservations, 'createSale', { ...sale, saleId, queue: { activePlaces: 2 } }, operator);
    const { ticket } = await five(queue, 'joinQueue', { saleId }, ada);
    const called = async () => {
      const { body } = await (apps[0] as TestApp).http.call(queue, 'getQueueStatus', { ticket: ticket as string });
      expect(body.status).toBe('ready');
    };
    await eventually(called);
    const { grant } = await five(queue, 'requestAdmission', { ticket }, ada);
    await five(reservations, 'createReservation', { ...floor(saleId), grant }, ada);
    await five(queue, 'leaveQueue', { ticket }, ada);
  });

  test('again when all is over', async () => {
    // Where somebody stands is told as it is now.
    const lasting = asked.filter(({ contract }) => contract !== queue);
    expect(lasting.length).toBeGreaterThan(15);
    for (const { contract, method, message, headers, answer } of lasting) {
      const again = await (apps.at(-1) as TestApp).grpc.call(contract, method, message, headers as typeof operator);
      expect([method, again.body]).toEqual([method, answer]);
    }
    const audit = await (apps[0] as TestApp).http.call(reservations, 'auditSale', { saleId: 'final' }, operator);
    expect(audit.body).toMatchObject({ ok: true, violations: [] });
  });
});
