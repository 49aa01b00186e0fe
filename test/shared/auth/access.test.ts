import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, credentials } from '@grpc/grpc-js';
import { request } from 'undici';
import { eventsGatewayContract as gateway } from '../../../src/features/events-gateway/events-gateway.api';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { everyContract } from '../../support/every-contract';
import { makeKeyFile } from '../../support/keys';
import { signed } from '../../support/signed';
import { GrpcWire, type Outcome, openApp, type TestApp } from '../../support/wires';

// SPEC 0, Access: one guard for both wires.

const secret = 'internal-secret-number-one-for-tests';
const next = 'internal-secret-number-two-for-tests';
const question = { consumer: 'progression' };

/** A wire whose calls name this host, as a rebound DNS name would make a browser do. */
class HostWire extends GrpcWire {
  override readonly client: Client;

  constructor(address: string, host: string) {
    super(address);
    this.client = new Client(address, credentials.createInsecure(), { 'grpc.default_authority': host });
  }
}

const calls = everyContract.flatMap(({ contract, docs }) =>
  Object.entries(contract.routes).map(([method, route]) => {
    const example = docs[method]?.example.request ?? {};
    return { contract, method, route, message: route.signed ? signed('access', example) : example };
  }),
);
const guarded = calls.filter(({ route }) => route.access !== 'public' && route.access !== 'optional');
// Of nobody's but the holder's: neither the secret nor being near will do.
const personal = calls.filter(({ route }) => route.access === 'token');
const served = guarded.filter((call) => !personal.includes(call));
const open = calls.filter(({ route }) => route.access === 'public');
const openPaths = ['/health/live', '/health/ready', '/healthz', '/metrics', '/docs', '/docs/openapi.json'];

test('public is what the specification calls public, and nothing else', () => {
  expect(open.map(({ method }) => method)).toEqual([
    ...['register', 'login'],
    ...['ingest', 'ingestBatch', 'verifyReward'],
    ...['getLeaderboard', 'getPlayerRank', 'listSnapshots', 'getSnapshot'],
    ...['getSale', 'listSales', 'getAvailability', 'verifyTicket'],
    ...['receiveWebhook'],
    ...['getQueueStatus', 'leaveQueue', 'leaveQueueByBeacon', 'getDraw'],
  ]);
  const streams = everyContract.flatMap(({ contract }) => Object.entries(contract.streams ?? {}));
  expect(streams).toEqual([
    ['ingestStream', 'public'],
    ['watchLeaderboard', 'public'],
    ['connect', 'optional'],
    ['watchReservation', 'player'],
    ['watchQueue', 'public'],
  ]);
  // CHAT_AUTH says what who has no token may do.
  const optional = calls.filter(({ route }) => route.access === 'optional');
  expect(optional.map(({ method }) => method)).toEqual([
    ...['listChatUsers', 'postMessage', 'listMessages', 'reportMessage'],
  ]);
  const player = calls.filter(({ route }) => route.access === 'player');
  expect(player.map(({ method }) => method)).toEqual([
    ...['getUser', 'updateUser', 'deleteUser'],
    ...['getProgress', 'listRewards', 'claimReward'],
    ...['createReservation', 'getReservation', 'listReservations', 'confirmReservation', 'cancelReservation'],
    ...['extendReservation', 'createPayment', 'processPayment', 'getPayment', 'listPayments', 'cancelPayment'],
    ...['joinQueue', 'requestAdmission'],
  ]);
  expect(personal.map(({ method }) => method)).toEqual(['verify', 'logout']);
});

let database: TestDatabase;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aerie-access-'));
  database = await (everyDatabase[0] as (typeof everyDatabase)[number]).create();
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

function refusesAnonymous({ code, status }: Outcome): void {
  expect([code, [401, 16].includes(status)]).toEqual(['token_invalid', true]);
}

describe('in development, on this machine', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await openApp(database.url, { INTERNAL_API_SECRET: secret });
  });
  afterAll(() => app[Symbol.asyncDispose]());

  async function asked(wire: 'http' | 'grpc', host: string): Promise<Outcome> {
    if (wire === 'http') return app.http.send('GET', '/events/head?consumer=progression', { host });
    const client = new HostWire(app.grpcAddress, host);
    const outcome = await client.call(gateway, 'getHead', question);
    client.close();
    return outcome;
  }

  describe.each(['http', 'grpc'] as const)('%s', (wire) => {
    test.each(['localhost', 'localhost:8080', '127.0.0.1', '127.0.0.1:1', '[::1]', '[::1]:65535'])(
      'anonymous under the host %s is admin',
      async (host) => expect((await asked(wire, host)).code).toBe('ok'),
    );

    test.each([
      'evil.example',
      'evil.example:8080',
      'localhost.evil.example',
      '127.0.0.1.nip.io',
      'localhost:80:80',
      '10.0.0.1',
      '0.0.0.0',
      '[::2]:8080',
    ])('anonymous under the host %s is refused: DNS can be rebound', async (host) => {
      refusesAnonymous(await asked(wire, host));
    });

    test.each(['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-forwarded-whatever'])(
      'anonymous with %s came through a proxy and is refused',
      async (name) => refusesAnonymous(await app[wire].call(gateway, 'getHead', question, { [name]: '' })),
    );

    test.each(personal)('the developer has no token: $method is refused', async ({ contract, method, message }) => {
      refusesAnonymous(await app[wire].call(contract, method, message));
    });

    test('a wrong token is refused where none would do', async () => {
      refusesAnonymous(await app[wire].call(gateway, 'getHead', question, { authorization: 'Bearer wrong' }));
    });

    test('the internal secret reaches further than this machine', async () => {
      const headers = { authorization: `Bearer ${secret}`, 'x-forwarded-for': '192.0.2.1' };
      expect((await app[wire].call(gateway, 'getHead', question, headers)).code).toBe('ok');
    });
  });
});

describe('with AUTH_REQUIRED', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await openApp(database.url, { AUTH_REQUIRED: 'true', INTERNAL_API_SECRET: `${secret},${next}` });
  });
  afterAll(() => app[Symbol.asyncDispose]());

  describe.each(['http', 'grpc'] as const)('%s', (wire) => {
    const ask = (headers: Record<string, string>) => app[wire].call(gateway, 'getHead', question, headers);

    test.each(guarded)('$method refuses anonymous', async ({ contract, method, message }) => {
      refusesAnonymous(await app[wire].call(contract, method, message));
    });

    test.each(personal)('$method needs a token, not the secret', async ({ contract, method, message }) => {
      const authorization = `Bearer ${secret}`;
      const shown: Record<string, string>[] = [{ authorization }, { authorization, 'x-aerie-subject': 'player-1' }];
      for (const headers of shown) refusesAnonymous(await app[wire].call(contract, method, message, headers));
    });

    test.each(served)('$method serves who holds the secret', async ({ contract, method, message }) => {
      const headers = { authorization: `Bearer ${secret}`, 'idempotency-key': `${wire}-${method}` };
      const outcome = await app[wire].call(contract, method, message, headers);
      expect(outcome.code).toMatch(/^(ok|\w+_not_found|version_mismatch|email_taken|sale_exists|sale_paused)$/);
    });

    test.each(open)('$method needs no token', async ({ contract, method, message }) => {
      expect((await app[wire].call(contract, method, message)).code).not.toBe('token_invalid');
    });

    test.each([
      ['one secret', `Bearer ${secret}`],
      ['the one that replaces it', `Bearer ${next}`],
      ['the scheme in lower case', `bearer ${secret}`],
    ])('%s is right', async (_name, authorization) => expect((await ask({ authorization })).code).toBe('ok'));

    test.each([
      ['another secret', 'Bearer another-secret-that-is-long-enough'],
      ['the secret without its scheme', secret],
      ['another scheme', `Basic ${secret}`],
      ['the secret cut', `Bearer ${secret.slice(0, -1)}`],
      ['the secret with more', `Bearer ${secret}x`],
      ['the secret in capitals', `Bearer ${secret.toUpperCase()}`],
      ['both at once', `Bearer ${secret},${next}`],
      ['no secret', 'Bearer'],
    ])('%s is wrong', async (_name, authorization) => refusesAnonymous(await ask({ authorization })));

    test('on behalf of a player the secret has no more rights than the player', async () => {
      const outcome = await ask({ authorization: `Bearer ${secret}`, 'x-aerie-subject': 'player-1' });
      expect([outcome.code, [403, 7].includes(outcome.status)]).toEqual(['forbidden', true]);
    });
  });

  test.each(openPaths)('%s is for everybody, through any proxy', async (path) => {
    const headers = { host: 'evil.example', 'x-forwarded-for': '192.0.2.1' };
    const answer = await request(app.url + path, { headers });
    await answer.body.dump();
    expect(answer.statusCode).toBe(200);
  });

  test('a refusal says how to come back', async () => {
    const answer = await request(`${app.url}/events/head?consumer=progression`);
    expect([answer.statusCode, answer.headers['www-authenticate']]).toEqual([401, 'Bearer']);
    await answer.body.dump();
  });
});

test('outside development nobody is admin for being near, whatever AUTH_REQUIRED says', async () => {
  await using app = await openApp(database.url, {
    ENVIRONMENT: 'staging',
    HOST: '127.0.0.1',
    AUTH_REQUIRED: 'false',
    HMAC_SECRET: 'events-secret-for-staging-in-this-test',
    RECEIPT_KEYS: 'k:receipt-secret-for-staging-in-this-test',
    GRANT_KEYS: 'k:grants-secret-for-staging-in-this-test',
    WEBHOOK_SECRET: 'webhook-secret-for-staging-in-this-test',
    ALLOWED_ORIGINS: 'https://studio.example',
    JWT_PRIVATE_KEY_FILE: await makeKeyFile(folder, 'staging'),
  });
  refusesAnonymous(await app.http.call(gateway, 'getHead', question));
  refusesAnonymous(await app.grpc.call(gateway, 'getHead', question));
});
