import { hostname } from 'node:os';
import { features } from '../../../src/features/index';
import { loadConfig, type RawEnvironment } from '../../../src/shared/config/load-config';

// Which features run here, which elsewhere; what cannot work stops the start with what to set.

const secret = { INTERNAL_API_SECRET: 'a-secret-between-the-processes-of-a-test' };
const ofOnesOwn = {
  ...{ HMAC_SECRET: 'a-secret-that-signs-the-events-of-a-test', WEBHOOK_SECRET: 'a-secret-of-the-webhooks-of-a-test' },
  ...{ RECEIPT_KEYS: 'a:a-secret-of-the-receipts-of-a-test', GRANT_KEYS: 'a:a-secret-of-the-grants-of-a-test' },
};
const load = (environment: RawEnvironment) => loadConfig(environment, features);

function refusal(environment: RawEnvironment): string {
  try {
    load(environment);
  } catch (error) {
    return (error as Error).message;
  }
  return '';
}

test('where a feature runs: addresses by wire, and the share of each', () => {
  const config = load({
    ...secret,
    MODULES: 'auth',
    USERS_URL: 'grpc://a:1,http://b:2, grpcs://[::1]:3,https://c/game',
    USERS_GRPC_PERCENT: '25',
    FAIRNESS_URL: 'http://d:80',
    // Runs here: asked here.
    AUTH_URL: 'grpc://e:1',
  });
  expect(config.modules).toEqual(['auth']);
  expect(config.places).toEqual({
    users: { grpc: ['grpc://a:1', 'grpcs://[::1]:3'], http: ['http://b:2', 'https://c/game'], grpcPercent: 25 },
    fairness: { grpc: [], http: ['http://d:80'], grpcPercent: 0 },
  });
});

test('unless MODULES says, all runs here that EXPOSE does not name', () => {
  const elsewhere = { ...secret, EXPOSE: 'users,auth', USERS_URL: 'grpc://a:1', AUTH_URL: 'grpc://a:1' };
  const { modules, expose } = load(elsewhere);
  expect([modules, expose]).toEqual([
    [
      'events-gateway',
      'fairness',
      'progression',
      'leaderboard',
      'chat',
      'reservations',
      'payments',
      'queue',
      'console',
    ],
    ['users', 'auth'],
  ]);
});

test('nothing is announced to who cannot hear it, and nobody waits for who runs nowhere', () => {
  const all = features.map(({ contract }) => contract.name);
  expect(load({}).audience).toEqual(all);
  const redis = { ...secret, BUS_KIND: 'redis', REDIS_URL: 'redis://a:1' };
  expect(load({ ...redis, MODULES: 'users' }).audience).toEqual(all);
  const absent = { MODULES_ABSENT: 'queue,payments' };
  expect(load({ ...redis, ...absent, MODULES: 'reservations' }).audience).toEqual(
    all.filter((name) => name !== 'queue' && name !== 'payments'),
  );
  // One process alone: a sale of what is free needs no payments.
  expect(refusal({ MODULES: 'reservations' })).toMatch(/BUS_KIND: inmem .* reservations hears of payments/);
  expect(load({ MODULES: 'reservations', ...absent }).audience).toEqual(['reservations']);
  // What is optional to be heard is no reason.
  expect(load({ MODULES: 'users,fairness,auth,events-gateway' }).modules).toHaveLength(4);
});

test.each<[string, RawEnvironment, RegExp]>([
  [
    'somebody absent who is here',
    { MODULES_ABSENT: 'queue' },
    /MODULES_ABSENT: names queue, which runs here or has an address: choose one/,
  ],
  [
    'somebody absent with an address',
    { ...secret, MODULES: 'users', MODULES_ABSENT: 'queue', QUEUE_URL: 'grpc://a:1' },
    /MODULES_ABSENT: names queue/,
  ],
  ['somebody absent whom nobody knows', { MODULES_ABSENT: 'quests' }, /MODULES_ABSENT: must be some of users/],
  ['an unknown feature', { MODULES: 'users,chess,go' }, /MODULES: must be some of users, .*payments, queue, console$/m],
  [
    'an unknown feature at the door',
    { EXPOSE: 'chess' },
    /EXPOSE: must be some of users, .*payments, queue, console$/m,
  ],
  ['no name at all', { MODULES: 'postgres://me:secret@a:1' }, /MODULES: must be some of users, [a-z, -]*$/m],
  [
    'a feature here and elsewhere',
    { MODULES: 'users', EXPOSE: 'users' },
    /EXPOSE: names users, which MODULES runs here/,
  ],
  [
    'a door to nowhere',
    { ...secret, EXPOSE: 'users', MODULES: 'fairness' },
    /USERS_URL: is missing: EXPOSE answers.*elsewhere$/m,
  ],
  [
    'a door that has taken its feature out of the process',
    { ...secret, EXPOSE: 'users' },
    /USERS_URL: is missing: EXPOSE answers for users, which runs elsewhere; while MODULES is unset, EXPOSE takes users out/,
  ],
  ['a need that is nowhere', { MODULES: 'auth' }, /USERS_URL: is missing: auth needs users/],
  ['no secret', { MODULES: 'auth', USERS_URL: 'grpc://a:1' }, /INTERNAL_API_SECRET: is missing/],
  [
    'news that does not leave its process',
    { ...secret, MODULES: 'progression', EVENTS_GATEWAY_URL: 'grpc://a:1' },
    /BUS_KIND: inmem does not leave the process, and progression hears of events-gateway/,
  ],
  [
    'news of somebody who runs nobody has said where',
    { MODULES: 'fairness' },
    /BUS_KIND: inmem does not leave the process, and fairness hears of events-gateway/,
  ],
  [
    'a bus on Redis without a Redis',
    { MODULES: 'fairness', BUS_KIND: 'redis' },
    /REDIS_URL: is missing: BUS_KIND=redis needs it, or BUS_CONN/,
  ],
  ['a bus that is no Redis', { BUS_KIND: 'redis', BUS_CONN: 'amqp://secret@a:1' }, /BUS_CONN: must be a Redis URL/],
  ['a bus on SQS without an address', { CLOUD: 'aws' }, /BUS_CONN: is missing: BUS_KIND=sqs needs it/],
  [
    'a bus that is no SQS',
    { BUS_KIND: 'sqs', BUS_CONN: 'amqp://secret@a:1' },
    /BUS_CONN: must be https:..sqs\.<region>/,
  ],
  [
    'credentials in the address of SQS',
    { BUS_KIND: 'sqs', BUS_CONN: 'https://me:secret@sqs.eu-west-1.amazonaws.com/123456789012/aerie' },
    /BUS_CONN: holds credentials/,
  ],
  ['a bus on Service Bus that is nowhere', { BUS_KIND: 'servicebus' }, /BUS_CONN: is missing: BUS_KIND=servicebus/],
  ['the bus of a cloud that is nowhere', { CLOUD: 'azure' }, /BUS_CONN: is missing: BUS_KIND=servicebus/],
  [
    'a bus that is no Service Bus',
    { BUS_KIND: 'servicebus', BUS_CONN: 'redis://:secret@a:1' },
    /BUS_CONN: has a part that Aerie does not understand/,
  ],
  ['an address without a port', { USERS_URL: 'grpc://a' }, /USERS_URL: must be addresses such as/],
  ['an address with a password', { USERS_URL: 'http://me:secret@a:1' }, /USERS_URL: must be addresses such as/],
  [
    'a share of no addresses',
    { USERS_GRPC_PERCENT: '50' },
    /USERS_GRPC_PERCENT: needs USERS_URL: the addresses among which it shares the calls/,
  ],
  [
    'more than a hundred addresses',
    { USERS_URL: Array.from({ length: 101 }, (_, i) => `http://a:${i}`).join(',') },
    /USERS_URL: must be 100 addresses at most/,
  ],
  ['one address twice', { USERS_URL: 'http://a:1,http://a:1' }, /each once/],
  [
    'a share of a wire that is not there',
    { ...secret, MODULES: 'auth', USERS_URL: 'http://a:1', USERS_GRPC_PERCENT: '10' },
    /USERS_GRPC_PERCENT: needs a grpc/,
  ],
  [
    'a rest for a wire that is not there',
    { ...secret, MODULES: 'auth', USERS_URL: 'grpc://a:1', USERS_GRPC_PERCENT: '10' },
    /USERS_GRPC_PERCENT: needs an http/,
  ],
])('%s', (_name, environment, told) => {
  expect(refusal(environment)).toMatch(told);
  expect(refusal(environment)).not.toContain('secret@');
});

test('who is named twice runs, and is answered for, once', () => {
  expect(load({ MODULES: 'users,users, auth' }).modules).toEqual(['users', 'auth']);
  expect(load({ ...secret, EXPOSE: 'users,users', USERS_URL: 'grpc://a:1' }).expose).toEqual(['users']);
});

test('the neighbours are every address once, with the features that are said to be there', () => {
  const [a, b] = ['grpc://a:1', 'http://b:2'];
  const { neighbours } = load({ ...secret, USERS_URL: `${a},${b}`, AUTH_URL: a });
  expect(neighbours).toEqual([
    { address: a, features: ['users', 'auth'] },
    { address: b, features: ['users'] },
  ]);
});

describe('a process that would call itself', () => {
  const split = { ...secret, MODULES: 'auth', GRPC_PORT: '7001', HTTP_PORT: '7002' };

  test.each<[string, RawEnvironment]>([
    ['grpc://127.0.0.1:7001', {}],
    ['grpcs://LOCALHOST:7001', {}],
    ['http://[::1]:7002', {}],
    ['https://localhost:7002/game', {}],
    ['http://localhost', { HTTP_PORT: '80' }],
    [`grpc://${hostname()}:7001`, {}],
    ['grpc://10.0.0.7:7001', { HOST: '10.0.0.7', AUTH_REQUIRED: 'true' }],
    ['grpc://127.0.0.2:7001', { HOST: '0.0.0.0', AUTH_REQUIRED: 'true' }],
    ['grpc://a:1,http://localhost:7002', {}],
  ])('is refused: %s with %j', (address, more) => {
    expect(refusal({ ...split, ...more, USERS_URL: address })).toMatch(
      /USERS_URL: is this process itself, in which users does not run/,
    );
  });

  test.each<[string, RawEnvironment]>([
    ['grpc://127.0.0.1:7002', {}],
    ['http://127.0.0.1:7001', {}],
    ['grpc://127.0.0.1:7001', { GRPC_ENABLED: 'false' }],
    ['grpc://127.0.0.1:9090', { GRPC_PORT: '0' }],
    ['grpc://a:7001', {}],
    ['grpc://127.0.0.2:7001', {}],
    ['grpc://127.0.0.1:7001', { ...ofOnesOwn, HOST: '10.0.0.7', AUTH_REQUIRED: 'true' }],
    // Runs here, and is asked here: all processes may share one list.
    ['grpc://127.0.0.1:7001', { MODULES: 'users,auth' }],
  ])('is somebody else: %s with %j', (address, more) => {
    expect(refusal({ ...split, ...more, USERS_URL: address })).toBe('');
  });
});

test('in production processes speak TLS, unless told that nobody listens', () => {
  const production = { ...secret, ENVIRONMENT: 'production', MODULES: 'auth', USERS_URL: 'grpc://a:1,https://b' };
  expect(refusal(production)).toMatch(/USERS_URL: without TLS/);
  expect(refusal({ ...production, ALLOW_PLAINTEXT_INTERNAL: 'true' })).not.toMatch(/USERS_URL/);
  expect(refusal({ ...production, USERS_URL: 'grpcs://a:1,https://b' })).not.toMatch(/USERS_URL/);
});

test('Service Bus is where its connection string says; in production not without TLS, unless told', () => {
  const parts = 'Endpoint=sb://h:5672/;SharedAccessKeyName=a;SharedAccessKey=secret@;UseDevelopmentEmulator=true';
  const bus = { CLOUD: 'azure', BUS_CONN: parts };
  expect(load(bus).bus).toEqual({ kind: 'servicebus', url: parts });
  expect(refusal({ ...bus, ENVIRONMENT: 'production' })).toMatch(/BUS_CONN: with UseDevelopmentEmulator/);
  expect(refusal({ ...bus, ENVIRONMENT: 'production' })).not.toContain('secret@');
  expect(refusal({ ...bus, ENVIRONMENT: 'production', ALLOW_PLAINTEXT_INTERNAL: 'true' })).not.toMatch(/BUS_CONN/);
});
