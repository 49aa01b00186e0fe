import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StripeServer } from '../features/payments/stripe-server';
import { type Ended, ensureBuilt } from '../support/app';
import { sqsEnvironment } from '../support/elasticmq';
import { freePort } from '../support/processes';
import { connectionTo, type ServiceBus, startServiceBus } from '../support/servicebus';
import { SqsLookServer } from '../support/sqs-server';
import { examined, expectFound, staging } from './examined';

// SPEC 9: the doctor connects to everything, also to services of others: SQS, Service Bus, Stripe. It changes nothing there.

const credential = 'the-secret-half-of-the-credentials';
const stripeKey = 'sk_test_of_the_doctors_own_tests';
const withoutSales = { MODULES_ABSENT: 'queue,reservations,payments' };
const sales = { MODULES: 'users,auth,events-gateway,fairness,queue,reservations,payments' };
let folder: string;
beforeAll(() => {
  ensureBuilt();
  folder = mkdtempSync(join(tmpdir(), 'aerie-doctor-services-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function doctor(env: Record<string, string>): Promise<Ended> {
  const ended = await examined(
    folder,
    { ...(await staging(folder)), DATABASE_URL: `sqlite:${join(folder, 'none.db')}`, ...env },
    [credential, stripeKey, 'a-key-of-the-tests'],
  );
  expect(ended.err).toBe('');
  return ended;
}

describe('SQS', () => {
  const names = [
    ...['accepted-events-fairness', 'accepted-events-leaderboard', 'accepted-events-progression'],
    ...['dead-news-events-gateway', 'redriven-news-handled-events-gateway'],
  ].map((name) => `aerie-${name}`);
  let server: SqsLookServer;
  let env: Record<string, string>;
  beforeEach(async () => {
    server = new SqsLookServer();
    for (const name of names) server.queues.add(name);
    const url = `${await server.listen()}/${server.account}/aerie?region=eu-west-1`;
    const given = { ...sqsEnvironment, AWS_SECRET_ACCESS_KEY: credential };
    env = { ...withoutSales, ...given, BUS_KIND: 'sqs', BUS_CONN: url };
  });
  afterEach(() => server[Symbol.asyncDispose]());

  test('that is well: every queue of this process is looked at, and nothing else is done', async () => {
    const { code, out } = await doctor(env);
    expect([code, out]).toEqual([
      0,
      expect.stringMatching(/ok +bus +\S+\/000000000000\/aerie +\d+\.\d +5 of 5 queues/),
    ]);
    expect(server.asked.map(({ queue }) => queue).sort()).toEqual(names);
    expect(new Set(server.asked.map(({ action }) => action))).toEqual(new Set(['GetQueueAttributes']));
  });

  test('a queue that is missing is named, and is not made', async () => {
    server.queues.delete('aerie-accepted-events-fairness');
    const ended = await doctor(env);
    expect(ended.code).toBe(0);
    expectFound(ended, [['WARN', /bus .*queues are missing: aerie-accepted-events-fairness$/, /CreateQueue/]]);
    expect(server.asked).toHaveLength(names.length);
  });

  test.each([
    ['InvalidClientTokenId', 'FAIL', /refuses us: InvalidClientTokenId/, /credentials of the account/],
    ['AccessDeniedException', 'WARN', /does not let us look .*AccessDenied/, /sqs:GetQueueAttributes/],
    ['InternalFailure', 'FAIL', /answers 500: InternalFailure/, /Try again/],
  ] as const)('that says %s', async (refusal, verdict, told, remedy) => {
    server.refusal = refusal;
    const ended = await doctor(env);
    expect([ended.code, ended.out]).toEqual([verdict === 'FAIL' ? 1 : 0, expect.not.stringContaining('nobody has to')]);
    expectFound(ended, [[verdict, told, remedy]]);
  });

  test('where nobody answers, and without credentials', async () => {
    const gone = { ...env, BUS_CONN: `http://127.0.0.1:${await freePort()}/${server.account}/aerie?region=eu-west-1` };
    expectFound(await doctor(gone), [['FAIL', /bus .*does not answer: ECONNREFUSED/, /BUS_CONN names its endpoint/]]);
    const { AWS_ACCESS_KEY_ID: _, ...bare } = env;
    const nowhere = { ...bare, AWS_EC2_METADATA_DISABLED: 'true', HOME: folder };
    const lacking = await doctor(nowhere);
    expectFound(lacking, [['FAIL', /bus .*no credentials/, /AWS_ACCESS_KEY_ID/]]);
    expect(lacking.out.match(/FAIL/g)).toHaveLength(1);
    expect(server.asked).toEqual([]);
  });
});

describe('Service Bus', () => {
  let server: ServiceBus;
  let env: Record<string, string>;
  beforeEach(async () => {
    server = await startServiceBus({ lockMs: 60_000, maxDeliveries: 10 });
    env = { ...withoutSales, BUS_KIND: 'servicebus', BUS_CONN: server.url };
  });
  afterEach(async () => {
    expect(server.errors).toEqual([]);
    await server[Symbol.asyncDispose]();
  });

  test('that is well: what waits there stays there, and nobody has a session', async () => {
    server.topics.subscription('accepted-events', 'fairness');
    server.send('accepted-events', 'ada', 'a message that somebody waits for');
    const { code, out } = await doctor(env);
    const told = new RegExp(
      `ok +bus +sb://127\\.0\\.0\\.1:${server.port} +\\d+\\.\\d +6 of 6 topics and subscriptions`,
    );
    expect([code, out]).toEqual([0, expect.stringMatching(told)]);
    // One in each subscription; of the doctor's there is none.
    expect(server.topics.kept('accepted-events')).toBe(3);
    expect(server.topics.locked('accepted-events')).toBe(0);
    expect(server.topics.deadLetters('accepted-events')).toEqual([]);
  });

  test('topics and subscriptions that are missing are named', async () => {
    server.topics.missing.add('fairness');
    server.topics.missing.add('dead-news');
    const ended = await doctor(env);
    expect(ended.code).toBe(1);
    const told = /bus .*no subscription events-gateway of dead-news, no subscription fairness of accepted-events/;
    expectFound(ended, [['FAIL', told, /"Service Bus" in the README/]]);
    server.topics.missing.add('accepted-events');
    expectFound(await doctor(env), [['FAIL', /it has no topic accepted-events, /, /Make them/]]);
  });

  test('that knows no such key, and that is not there', async () => {
    server.refusing = true;
    const refused = await doctor(env);
    expect(refused.code).toBe(1);
    expectFound(refused, [['FAIL', /bus .*refuses us: UnauthorizedAccess/, /may Send and Listen/]]);
    const gone = { ...env, BUS_CONN: connectionTo(await freePort()) };
    expectFound(await doctor(gone), [['FAIL', /bus .*does not answer: \w+/, /BUS_CONN names the namespace/]]);
  });

  test('that takes the connection and says nothing', async () => {
    server.freeze();
    expectFound(await doctor(env), [['FAIL', /bus .*does not answer: \w+/, /can be reached/]]);
  });
});

describe('Stripe', () => {
  let server: StripeServer;
  let env: Record<string, string>;
  beforeEach(async () => {
    server = new StripeServer();
    const own = { STRIPE_SECRET_KEY: stripeKey, STRIPE_WEBHOOK_SECRET: 'whsec_of_the_doctors_own_tests' };
    env = { ...sales, PAYMENT_PROVIDER: 'stripe', STRIPE_API_URL: await server.listen(), ...own };
  });
  afterEach(() => server[Symbol.asyncDispose]());

  test('that is well: it is asked for what changes nothing', async () => {
    const { code, out } = await doctor(env);
    expect([code, out]).toEqual([0, expect.stringMatching(/ok +payments +http:\S+ +2\S+ +\d+\.\d +stripe\n/)]);
    expect(server.requests.map(({ path }) => path)).toEqual(['GET /v1/payment_intents/search']);
  });

  test.each([
    ['unauthorized', 'FAIL', /refuses us: it does not know the key/, /STRIPE_SECRET_KEY/],
    ['forbidden', 'FAIL', /may not read payments/, /PaymentIntents and Refunds/],
    ['rate_limited', 'WARN', /asked too often/, /who else uses the key/],
    ['broken', 'FAIL', /answers 500/, /STRIPE_API_URL/],
    ['unreachable', 'FAIL', /does not answer: ECONNRESET/, /can be reached from here/],
    ['silent', 'FAIL', /does not answer: No answer within 3000 ms/, /can be reached from here/],
  ] as const)('that is %s', async (fate, verdict, told, remedy) => {
    // Once more: the client does not take the loss of a connection that it may have kept for an answer.
    server.fates.push(fate, fate);
    const ended = await doctor(env);
    expect(ended.code).toBe(verdict === 'FAIL' ? 1 : 0);
    expectFound(ended, [[verdict, told, remedy]]);
  });

  test('a key of the test mode in production is told', async () => {
    const one = { ENVIRONMENT: 'production', ALLOW_SINGLE_NODE: 'true', STRIPE_API_URL: 'https://127.0.0.1:1' };
    const ended = await doctor({ ...env, ...one });
    expectFound(ended, [
      ['WARN', /STRIPE_SECRET_KEY is of Stripe's test mode/, /live mode/],
      ['FAIL', /payments .*does not answer: ECONNREFUSED/, /Orders wait/],
    ]);
  });
});

test('an address that holds credentials is shown without them', async () => {
  const url = `http://operator:${credential}@127.0.0.1:1`;
  const own = { STRIPE_SECRET_KEY: stripeKey, STRIPE_WEBHOOK_SECRET: 'whsec_of_the_doctors_own_tests' };
  const { out } = await doctor({ ...sales, PAYMENT_PROVIDER: 'stripe', STRIPE_API_URL: url, ...own });
  expect(out).toMatch(/FAIL +payments +http:\/\/127\.0\.0\.1:1 /);
});
