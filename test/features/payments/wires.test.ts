import { ulid } from 'ulid';
import { authContract as auth } from '../../../src/features/auth/auth.api';
import { paymentsContract as payments } from '../../../src/features/payments/payments.api';
import type { Session } from '../../../src/generated/aerie/auth/v1/auth';
import type { Payment } from '../../../src/generated/aerie/payments/v1/payments';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { openApp, type TestApp } from '../../support/wires';
import { FakeAnnouncer, reservations } from './fake-feature';

// The whole process, over both wires, with the outbox, the bus and the simulator's webhooks over HTTP. Reservations is a fake.

jest.mock('../../../src/features/index', () => {
  const { authFeature } = jest.requireActual('../../../src/features/auth/auth.module');
  const { usersFeature } = jest.requireActual('../../../src/features/users/users.module');
  const { paymentsFeature } = jest.requireActual('../../../src/features/payments/payments.module');
  const { fakeReservationsFeature } = jest.requireActual('./fake-feature');
  return { features: [usersFeature, authFeature, fakeReservationsFeature, paymentsFeature] };
});

const internal = 'an-internal-secret-of-32-bytes-or-more';
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const keyed = (token: string) => ({ ...bearer(token), 'idempotency-key': ulid() });

describe.each(everyDatabase)('$name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let ada: Session;
  let eve: Session;
  beforeAll(async () => {
    database = await create();
    app = await openApp(database.url, { INTERNAL_API_SECRET: internal, AUTH_REQUIRED: 'true' });
    const register = async (name: string): Promise<Session> => {
      const person = { name, email: `${name}@example.com`, password: 'correct horse' };
      return (await app.http.call(auth, 'register', person)).body as unknown as Session;
    };
    [ada, eve] = [await register('ada'), await register('eve')];
  });
  afterAll(async () => {
    await app[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });
  const hold = () => reservations.hold({ userId: ada.user?.id ?? '' });
  const begin = async (): Promise<string> => {
    const made = await app.http.call(payments, 'createPayment', { reservationId: hold().id }, keyed(ada.accessToken));
    return (made.body as unknown as Payment).id;
  };
  const see = async (id: string): Promise<Payment> =>
    (await app.grpc.call(payments, 'getPayment', { id }, bearer(ada.accessToken))).body as unknown as Payment;

  test.each(['http', 'grpc'] as const)(
    "another user's payment is not there over %s, and the own one is",
    async (name) => {
      const id = await begin();
      for (const [method, message] of [
        ['getPayment', { id }],
        ['processPayment', { id }],
        ['cancelPayment', { id }],
      ] as const) {
        const stranger = await app[name].call(payments, method, message, keyed(eve.accessToken));
        expect([method, stranger.code]).toEqual([method, 'payment_not_found']);
      }
      const foreign = await app[name].call(
        payments,
        'createPayment',
        { reservationId: hold().id },
        keyed(eve.accessToken),
      );
      expect(foreign.code).toBe('reservation_not_found');
      for (const [method, message] of [
        ['refundPayment', { id }],
        ['auditPayments', { saleId: 'final-2026' }],
      ] as const)
        expect((await app[name].call(payments, method, message, keyed(ada.accessToken))).code).toBe('forbidden');
      expect((await app[name].call(payments, 'getPayment', { id })).code).toBe('token_invalid');
      expect((await app[name].call(payments, 'getPayment', { id }, bearer(ada.accessToken))).code).toBe('ok');
      expect((await app[name].call(payments, 'listPayments', {}, bearer(eve.accessToken))).body.payments).toEqual([]);
    },
  );

  test.each(['http', 'grpc'] as const)('without an Idempotency-Key nothing moves over %s', async (name) => {
    const id = await begin();
    for (const [method, message] of [
      ['createPayment', { reservationId: hold().id }],
      ['processPayment', { id, method: 'approve' }],
      ['cancelPayment', { id }],
    ] as const)
      expect((await app[name].call(payments, method, message, bearer(ada.accessToken))).code).toBe(
        'idempotency_key_required',
      );
    const { code } = await app[name].call(payments, 'refundPayment', { id }, bearer(internal));
    expect(code).toBe('idempotency_key_required');
    expect(await see(id)).toMatchObject({ status: 'pending', version: 1 });
  });

  test.each(['approve', 'delay', 'duplicate', 'out_of_order'])(
    'paid by %s: set aside, confirmed, taken, and refunded by an operator, all announced',
    async (method) => {
      const id = await begin();
      const begun = await app.grpc.call(payments, 'processPayment', { id, method }, keyed(ada.accessToken));
      expect(begun.body).toMatchObject({ status: 'processing' });
      await eventually(async () => expect(await see(id)).toMatchObject({ status: 'completed', captured: 8000 }));
      const part = await app.http.call(payments, 'refundPayment', { id, amount: 3000 }, keyed(internal));
      expect(part.body).toMatchObject({ status: 'completed', refunding: 3000 });
      await eventually(async () =>
        expect(await see(id)).toMatchObject({ status: 'partially_refunded', refunded: 3000 }),
      );
      await app.grpc.call(payments, 'refundPayment', { id }, keyed(internal));
      await eventually(async () => expect(await see(id)).toMatchObject({ status: 'refunded', refunded: 8000 }));
    },
  );

  test('what has ended before it was approved is voided, and a webhook alone brings the approval', async () => {
    const id = await begin();
    await app.http.call(payments, 'processPayment', { id, method: 'late' }, keyed(ada.accessToken));
    await FakeAnnouncer.latest?.end((await see(id)).reservationId, 'expired');
    await eventually(async () => expect((await see(id)).status).toBe('expired'));
  });

  test.each(['http', 'grpc'] as const)('a webhook that nobody signed is refused over %s', async (name) => {
    const body = Buffer.from('{"id":"evt_1","type":"charge.authorized"}');
    const signed = { id: 'evt_1', timestamp: Math.floor(Date.now() / 1000), keyId: '', signatures: ['v1,AAAA'], body };
    const answer =
      name === 'grpc'
        ? await app.grpc.call(payments, 'receiveWebhook', { provider: 'simulator', ...signed })
        : await app.http.send(
            'POST',
            '/payments/webhooks/simulator',
            {
              'content-type': 'application/json',
              'webhook-id': signed.id,
              'webhook-timestamp': `${signed.timestamp}`,
              'webhook-signature': 'v1,AAAA',
            },
            body,
          );
    expect(answer.code).toBe('signature_invalid');
    const stranger = await app.http.send(
      'POST',
      '/payments/webhooks/paypal',
      { 'content-type': 'application/json' },
      body,
    );
    expect([stranger.code, stranger.fields]).toEqual(['validation_failed', ['provider']]);
  });

  test('the document describes every call, and the webhook by its path', async () => {
    const { body } = await app.http.send('GET', '/docs/openapi.json', {});
    const paths = body.paths as Record<string, { post?: { parameters: { name: string; in: string }[] } }>;
    expect(paths['/payments/webhooks/{provider}']?.post?.parameters).toEqual([
      expect.objectContaining({ name: 'provider', in: 'path' }),
    ]);
    expect(Object.keys(paths)).toEqual(
      expect.arrayContaining(['/payments', '/payments/{id}/refund', '/payments/audit']),
    );
  });
});
