import { StripeProvider } from '../../../src/features/payments/payments.stripe';
import { asInternal } from '../../../src/shared/auth/caller';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { authorize, complete, type Desk, openDesk, pay, process } from './desk';
import { StripeServer, stripeSignature } from './stripe-server';

// Stripe's own client against a server of ours that speaks as Stripe does.

const [sqlite] = everyDatabase;
const webhookSecret = 'whsec_of_the_endpoint';

let database: TestDatabase;
let stripe: StripeServer;
let desk: Desk;
beforeEach(async () => {
  database = await sqlite!.create();
  stripe = new StripeServer();
  const options = { secretKey: 'sk_test_1234567890', webhookSecret, apiUrl: await stripe.listen() };
  desk = await openDesk(database.url, { provider: () => new StripeProvider(options) });
});
afterEach(async () => {
  await desk[Symbol.asyncDispose]();
  await stripe[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});
const see = (id: string) => asInternal(() => desk.service.getPayment({ id }));
const reconcile = async (): Promise<void> => {
  for (let i = 0; i < 6; i += 1) {
    desk.clock.at += 31_000;
    await desk.round();
  }
};
const tell = (
  type: string,
  object: object,
  id = `evt_${type}`,
  seconds = Math.floor(Date.now() / 1000),
  secret = webhookSecret,
) => {
  const body = JSON.stringify({ id, object: 'event', type, data: { object } });
  const signed = stripeSignature(secret, body, seconds);
  return desk.service.receiveWebhook({ provider: 'stripe', id: '', keyId: '', ...signed, body: Buffer.from(body) });
};
const intentOf = (paymentId: string) =>
  [...stripe.intents.values()].find(({ metadata }) => metadata.payment_id === paymentId) as never as Record<
    string,
    unknown
  >;

test('set aside by hand, taken when confirmed, given back in two parts', async () => {
  const { id } = await pay(desk);
  await process(desk, id, 'pm_card_visa');
  await desk.runner.round();
  const [create] = stripe.requests;
  expect(Object.fromEntries(create?.form ?? [])).toMatchObject({
    ...{ amount: '8000', currency: 'eur', capture_method: 'manual', confirm: 'true', payment_method: 'pm_card_visa' },
    'metadata[payment_id]': id,
  });
  expect(await see(id)).toMatchObject({ status: 'authorized', provider: 'stripe' });
  await desk.hear(desk.reservations.end((await see(id)).reservationId, 'confirmed', id));
  await desk.round();
  expect(await see(id)).toMatchObject({ status: 'completed', captured: 8000 });
  await asInternal(() => desk.service.refundPayment({ id, amount: 3000 }, { idempotencyKey: '1' }));
  await asInternal(() => desk.service.refundPayment({ id }, { idempotencyKey: '2' }));
  await desk.runner.round();
  expect(await see(id)).toMatchObject({ status: 'refunded', refunded: 8000 });
  expect([...stripe.refunds.values()].map(({ amount }) => amount).sort()).toEqual([3000, 5000]);
  expect(new Set(stripe.requests.map(({ key }) => key)).size).toBe(4);
});

test('a card that is declined has failed, with the word of the bank', async () => {
  const { id } = await authorize(desk, 'pm_card_chargeDeclined');
  expect(await see(id)).toMatchObject({ status: 'failed', failure: 'generic_decline' });
});

test('unreachable, lost answers, too many requests: one intent, one capture, one refund', async () => {
  const { id, reservation } = await pay(desk);
  stripe.fates.push('unreachable', 'rate_limited', 'lost');
  await process(desk, id, 'pm_card_visa');
  await desk.runner.round();
  await reconcile();
  expect(await see(id)).toMatchObject({ status: 'authorized' });
  expect(stripe.intents.size).toBe(1);
  stripe.fates.push('lost');
  await desk.hear(desk.reservations.end(reservation.id, 'confirmed', id));
  await reconcile();
  expect(await see(id)).toMatchObject({ status: 'completed' });
  stripe.fates.push('lost');
  await asInternal(() => desk.service.refundPayment({ id }, { idempotencyKey: '1' }));
  await reconcile();
  expect(await see(id)).toMatchObject({ status: 'refunded' });
  expect(stripe.refunds.size).toBe(1);
  const keys = new Set(stripe.requests.flatMap(({ path, key }) => (path.startsWith('POST') ? [key] : [])));
  expect(keys.size).toBe(3);
});

test('a 500 that Stripe keeps by its key, although it was done: it is looked for by what it was called', async () => {
  const { id } = await pay(desk);
  stripe.fates.push('broken');
  await process(desk, id, 'pm_card_visa');
  await reconcile();
  expect(await see(id)).toMatchObject({ status: 'authorized' });
  expect(stripe.intents.size).toBe(1);
  expect(stripe.requests.at(-1)?.path).toBe('GET /v1/payment_intents/search');
});

test('the reservation has ended: what is set aside is cancelled, and what was cancelled before is no error', async () => {
  const { id, reservation } = await authorize(desk, 'pm_card_visa');
  stripe.fates.push('lost');
  await desk.hear(desk.reservations.end(reservation.id, 'expired'));
  await reconcile();
  expect(await see(id)).toMatchObject({ status: 'expired' });
  expect(intentOf(id)).toMatchObject({ status: 'canceled' });
});

test('an authorization that Stripe has given up cannot be captured: announced once', async () => {
  const { id, reservation } = await authorize(desk, 'pm_card_visa');
  Object.assign(intentOf(id), { status: 'canceled' });
  await desk.hear(desk.reservations.end(reservation.id, 'confirmed', id));
  await reconcile();
  expect(await see(id)).toMatchObject({ status: 'failed', failure: 'canceled' });
  expect(await desk.announced(id)).toEqual(['authorized', 'capture_refused']);
});

test("the buyer's own client confirms with the client secret, and a webhook tells of it, twice", async () => {
  const { id } = await pay(desk);
  await asInternal(() => desk.service.processPayment({ id }, { idempotencyKey: '1' }));
  await desk.runner.round();
  const { status, clientSecret } = await see(id);
  expect([status, clientSecret]).toEqual(['processing', 'pi_1_secret_x']);
  const intent = Object.assign(intentOf(id), { status: 'requires_capture' });
  for (let i = 0; i < 2; i += 1) await tell('payment_intent.amount_capturable_updated', intent);
  expect([(await see(id)).status, await desk.announced(id)]).toEqual(['authorized', ['authorized']]);
});

test('a buyer who gives up before confirming: the intent is cancelled, and nobody is asked for ever', async () => {
  const { id } = await pay(desk);
  await asInternal(() => desk.service.processPayment({ id }, { idempotencyKey: '1' }));
  await desk.runner.round();
  await asInternal(() => desk.service.cancelPayment({ id }, { idempotencyKey: '2' }));
  await reconcile();
  expect(intentOf(id)).toMatchObject({ status: 'canceled' });
  const asked = stripe.requests.length;
  await reconcile();
  expect(stripe.requests).toHaveLength(asked);
});

test('a webhook is verified by the client: its secret, its time, its bytes; events of others are passed over', async () => {
  const { id } = await complete(desk);
  const now = Math.floor(Date.now() / 1000);
  const refused = { code: 'signature_invalid' };
  await expect(tell('payment_intent.canceled', intentOf(id), 'e1', now - 301)).rejects.toMatchObject(refused);
  await expect(tell('payment_intent.canceled', intentOf(id), 'e2', now, 'whsec_another')).rejects.toMatchObject(
    refused,
  );
  await tell('customer.created', { id: 'cus_1' });
  await tell('payment_intent.canceled', { ...intentOf(id), metadata: {} }, 'e3');
  expect(await see(id)).toMatchObject({ status: 'completed' });
  const { reservationId } = await see(id);
  expect(reservationId).toHaveLength(26);
});
