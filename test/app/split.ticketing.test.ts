import { ulid } from 'ulid';
import { authContract as auth } from '../../src/features/auth/auth.api';
import { paymentsContract as payments } from '../../src/features/payments/payments.api';
import { reservationsContract as reservations } from '../../src/features/reservations/reservations.api';
import { everyDatabase, type TestDatabase } from '../support/databases';
import { eventually } from '../support/eventually';
import { type OpenSplit, openSplit } from '../support/open-split';
import { untilAnswered } from '../support/patiently';
import { manyAddresses } from '../support/players';
import { type RedisServer, startRedis } from '../support/redis';
import type { TestApp } from '../support/wires';

// A sale in a split system: two gateways that have only doors for it, two box offices, one database, news over Redis.

const postgres = everyDatabase.find(({ name }) => name === 'postgres') as (typeof everyDatabase)[number];
const wires = ['http', 'grpc'] as const;
const saleId = 'split-sale';
let redis: RedisServer;
let database: TestDatabase;
let system: OpenSplit;
let gateways: TestApp[];
let everywhere: TestApp[];
let ada: Record<string, string>;
let eve: Record<string, string>;

const operator = () => ({ authorization: `Bearer ${system.secret}`, 'idempotency-key': ulid() });
const keyed = (who: Record<string, string>, key = ulid()) => ({ ...who, 'idempotency-key': key });
const items = [{ sectionId: 'floor', quantity: 2, seatIds: [] }];

async function register(name: string): Promise<Record<string, string>> {
  const person = { name, email: `${name}@example.com`, password: 'correct horse' };
  const { body } = await (gateways[0] as TestApp).http.call(auth, 'register', person);
  return { authorization: `Bearer ${String(body.accessToken)}` };
}

beforeAll(async () => {
  redis = await startRedis();
  database = await postgres.create();
  const counts = { gateway: 2, 'box-office': 2 };
  system = await openSplit({ databaseUrl: database.url, redis }, counts, { ...manyAddresses, AUTH_REQUIRED: 'true' });
  gateways = system.of('gateway');
  everywhere = [...gateways, ...system.of('box-office')];
  [ada, eve] = [await register('ada'), await register('eve')];
  const sections = [{ sectionId: 'floor', price: 4000, capacity: 100, seats: [] }];
  const sale = { saleId, title: 'A sale', currency: 'EUR', opensAt: '2026-01-01T00:00:00Z', maxPerUser: 100, sections };
  expect((await (gateways[0] as TestApp).http.call(reservations, 'createSale', sale, operator())).code).toBe('ok');
});
afterAll(async () => {
  await system[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
});

test('the same key at every door and on every wire is one hold, one answer', async () => {
  const headers = keyed(ada, 'the-same');
  const calls = everywhere.flatMap((app) =>
    wires.map((wire) =>
      untilAnswered(() => app[wire].call(reservations, 'createReservation', { saleId, items }, headers)),
    ),
  );
  const answers = await Promise.all(calls);
  expect(new Set(answers.map(({ code }) => code))).toEqual(new Set(['ok']));
  expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
  const { body } = await (gateways[1] as TestApp).grpc.call(reservations, 'listReservations', { saleId }, ada);
  expect(body.reservations).toHaveLength(1);
});

test('held at one door, paid at another, confirmed by the news; of others nothing of it is there', async () => {
  const [one, two] = gateways as [TestApp, TestApp];
  const { id } = (await one.grpc.call(reservations, 'createReservation', { saleId, items }, keyed(ada))).body;
  const begun = await two.http.call(payments, 'createPayment', { reservationId: id }, keyed(ada));
  expect(begun.body).toMatchObject({ amount: 8000, status: 'pending' });
  const payment = { id: begun.body.id };
  await two.grpc.call(payments, 'processPayment', { ...payment, method: 'approve' }, keyed(ada));
  for (const app of everywhere)
    for (const wire of wires) {
      await eventually(async () =>
        expect((await app[wire].call(reservations, 'getReservation', { id }, ada)).body.status).toBe('confirmed'),
      );
      expect((await app[wire].call(reservations, 'getReservation', { id }, eve)).code).toBe('reservation_not_found');
      expect((await app[wire].call(payments, 'getPayment', payment, eve)).code).toBe('payment_not_found');
      expect((await app[wire].call(reservations, 'auditSale', { saleId }, eve)).code).toBe('forbidden');
    }
  await eventually(async () =>
    expect((await one.http.call(payments, 'auditPayments', { saleId }, operator())).body).toMatchObject({
      ...{ ok: true, captured: 8000, expected: 8000 },
    }),
  );
  expect((await two.grpc.call(reservations, 'auditSale', { saleId }, operator())).body.ok).toBe(true);
});

test('a refusal crosses the processes as it is: kind, code and seats', async () => {
  const more = { saleId, items: [{ sectionId: 'floor', quantity: 11, seatIds: [] }] };
  const held = (
    await (gateways[0] as TestApp).http.call(reservations, 'createReservation', { saleId, items }, keyed(ada))
  ).body;
  await (gateways[0] as TestApp).http.call(reservations, 'cancelReservation', { id: held.id }, keyed(ada));
  for (const app of everywhere) {
    const limit = await app.http.call(reservations, 'createReservation', more, keyed(ada));
    expect([limit.status, limit.code]).toEqual([422, 'limit_exceeded']);
    const ended = await app.grpc.call(reservations, 'confirmReservation', { id: held.id }, keyed(ada));
    // ABORTED: a conflict, and nothing that is there already.
    expect([ended.status, ended.code]).toEqual([10, 'reservation_ended']);
  }
});
