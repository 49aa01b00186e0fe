import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventsGatewayContract as gateway } from '../../../src/features/events-gateway/events-gateway.api';
import { EventsGatewayService } from '../../../src/features/events-gateway/events-gateway.service';
import { leaderboardContract as leaderboard } from '../../../src/features/leaderboard/leaderboard.api';
import { LeaderboardService } from '../../../src/features/leaderboard/leaderboard.service';
import { LeaderboardWatch } from '../../../src/features/leaderboard/leaderboard.watch';
import { progressionContract as progression } from '../../../src/features/progression/progression.api';
import { ProgressionService } from '../../../src/features/progression/progression.service';
import { asInternal, currentCaller, restrictedTo } from '../../../src/shared/auth/caller';
import type { AnyContract } from '../../../src/shared/contract/contract';
import type { Caller } from '../../../src/shared/tracing/request-context';
import { currentContext, runInContext } from '../../../src/shared/tracing/request-context';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { type Player, register } from '../../support/players';
import { eventBody, signed } from '../../support/signed';
import { openApp, type TestApp } from '../../support/wires';

// Who calls, and from where, is known in every handler on every wire: nothing may pass for this process itself.

const secret = 'internal-secret-number-one-for-tests';
const internal = { authorization: `Bearer ${secret}` };
const receipt = { receipt: 'x' };
const progressOf = (playerId: string) => ({ playerId });

interface Seen {
  readonly caller: Caller;
  readonly peer: string | undefined;
}

let database: TestDatabase;
let app: TestApp;
let player: Player;
let seen: Seen[];

/** What a handler sees, also after it has waited for something. */
async function look(): Promise<never> {
  await sleep(1);
  const { peer } = currentContext() ?? {};
  seen.push({ caller: currentCaller(), peer });
  throw new Error('seen');
}

beforeAll(async () => {
  database = await (everyDatabase[0] as (typeof everyDatabase)[number]).create();
  app = await openApp(database.url, { INTERNAL_API_SECRET: secret, TRUSTED_PROXIES: '127.0.0.1,10.0.0.0/8' });
  player = await register(app, 'caller@example.com');
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});
beforeEach(() => {
  seen = [];
  for (const method of ['getProgress', 'claimReward', 'verifyReward'] as const)
    jest.spyOn(ProgressionService.prototype, method).mockImplementation(look);
  jest.spyOn(LeaderboardService.prototype, 'getLeaderboard').mockImplementation(look);
  jest.spyOn(EventsGatewayService.prototype, 'ingestBatch').mockImplementation(look);
});
afterEach(() => jest.restoreAllMocks());

describe.each(['http', 'grpc'] as const)('%s', (wire) => {
  async function caller(method: string, message: object, headers: Record<string, string>): Promise<Caller | undefined> {
    await app[wire].call(progression, method, message, headers);
    return seen.pop()?.caller;
  }

  test.each([
    ['nobody', 'verifyReward', receipt, {}, { kind: 'anonymous' }],
    [
      'nobody, whatever is presented',
      'verifyReward',
      receipt,
      { authorization: 'Bearer stale' },
      { kind: 'anonymous' },
    ],
    ['nobody, even with the secret', 'verifyReward', receipt, internal, { kind: 'anonymous' }],
    ['the developer', 'getProgress', progressOf('abc'), {}, { kind: 'developer' }],
    ['another process', 'getProgress', progressOf('abc'), internal, { kind: 'internal' }],
    [
      'a player for whom another process speaks',
      'getProgress',
      progressOf('abc'),
      { ...internal, 'x-aerie-subject': 'p-1' },
      { kind: 'player', id: 'p-1' },
    ],
  ])('%s', async (_name, method, message, headers, expected) => {
    expect(await caller(method, message, headers as Record<string, string>)).toEqual(expected);
  });

  test('a player with a token', async () => {
    const token = { jti: expect.any(String), expiresAt: expect.any(Number) };
    expect(await caller('getProgress', progressOf('abc'), player.headers)).toEqual({
      kind: 'player',
      id: player.id,
      token,
    });
  });

  test.each([
    ['with nothing', () => ({}), 'token_invalid'],
    ['with a wrong secret', () => ({ authorization: `Bearer ${secret}x` }), 'secret_unknown'],
  ])('only another process speaks for others: %s it is refused', async (_name, headers, code) => {
    const outcome = await app[wire].call(progression, 'getProgress', progressOf(player.id), {
      ...headers(),
      'x-aerie-subject': player.id,
    });
    expect([outcome.code, seen]).toEqual([code, []]);
  });

  test('what a player says of others is left out', async () => {
    const said = { 'x-aerie-subject': 'p-1', 'x-aerie-role': 'admin', 'x-aerie-client-address': '203.0.113.1' };
    const found = await caller('getProgress', progressOf('abc'), { ...player.headers, ...said });
    expect(found).toMatchObject({ kind: 'player', id: player.id });
  });

  test.each(['', 'a b', '../x', 'a#b', `${'a'.repeat(129)}`, 'p-1, p-2'])('nobody is called "%s"', async (subject) => {
    const headers = { ...internal, 'x-aerie-subject': subject };
    const outcome = await app[wire].call(progression, 'getProgress', progressOf('abc'), headers);
    expect([outcome.code, seen]).toEqual(['token_invalid', []]);
  });

  test.each([
    ['its own address', undefined, '127.0.0.1'],
    ['what a trusted proxy says', '192.0.2.7', '192.0.2.7'],
    ['the nearest that is not trusted', '203.0.113.9, 192.0.2.7, 10.1.2.3', '192.0.2.7'],
    ['what is no address is not believed', '192.0.2.7, unknown', '127.0.0.1'],
    ['a port is no part of it', '192.0.2.7:4711', '192.0.2.7'],
    ['IPv6', '[2001:db8::1]:443', '2001:db8::1'],
  ])('from where: %s', async (_name, forwardedFor, expected) => {
    const headers: Record<string, string> = forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor };
    await app[wire].call(progression, 'verifyReward', receipt, headers);
    expect(seen.map(({ peer }) => peer)).toEqual([expected]);
  });
});

test('without trusted proxies nobody is believed', async () => {
  await using other = await openApp(database.url);
  for (const wire of ['http', 'grpc'] as const)
    await other[wire].call(progression, 'verifyReward', receipt, { 'x-forwarded-for': '192.0.2.7' });
  expect(seen.map(({ peer }) => peer)).toEqual(['127.0.0.1', '127.0.0.1']);
});

test('a body that comes later, in pieces, is still its sender’s', async () => {
  const body = JSON.stringify({ playerId: player.id, rewardId: 'boss-hydra' });
  const { hostname, port } = new URL(app.url);
  const socket = connect(Number(port), hostname);
  socket.write(
    `POST /rewards/claim HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${player.token}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`,
  );
  for (const piece of [body.slice(0, 10), body.slice(10)]) {
    await sleep(30);
    socket.write(piece);
  }
  await eventually(async () => expect(seen).toHaveLength(1));
  socket.destroy();
  expect(seen[0]?.caller).toMatchObject({ kind: 'player', id: player.id });
});

describe('streams', () => {
  const open = (contract: AnyContract, method: string) => {
    const definition = app.grpc.method(contract, method);
    return { path: definition.path, encode: definition.requestSerialize, decode: definition.responseDeserialize };
  };

  const watch = async (): Promise<Seen | undefined> => {
    const { path, encode, decode } = open(leaderboard, 'watchLeaderboard');
    const call = app.grpc.client.makeServerStreamRequest(path, encode, decode, { window: 'daily' });
    call.on('error', () => undefined);
    await eventually(async () => expect(seen.length).toBeGreaterThan(0));
    call.cancel();
    return seen[0];
  };

  test('one question and many answers', async () => {
    jest.spyOn(LeaderboardWatch.prototype, 'watch').mockImplementation(() => {
      seen.push({ caller: currentCaller(), peer: currentContext()?.peer });
      throw new Error('seen');
    });
    expect(await watch()).toEqual({ caller: { kind: 'anonymous' }, peer: '127.0.0.1' });
  });

  test('what many watch is looked at by this process, not by whoever was the first', async () => {
    expect((await watch())?.caller).toEqual({ kind: 'internal' });
  });

  test('many of both, each message of it', async () => {
    const { path, encode, decode } = open(gateway, 'ingestStream');
    const call = app.grpc.client.makeBidiStreamRequest(path, encode, decode);
    call.on('error', () => undefined).on('data', () => undefined);
    for (let i = 1; i <= 3; i += 1) {
      call.write(signed(`s-${i}`, { events: [{ id: `s-${i}`, ...eventBody() }] }));
      await eventually(async () => expect(seen).toHaveLength(i));
    }
    call.end();
    expect(seen).toEqual(new Array(3).fill({ caller: { kind: 'anonymous' }, peer: '127.0.0.1' }));
  });
});

test('where nobody said who calls, nobody may do anything', () => {
  for (const ask of [currentCaller, restrictedTo]) expect(ask).toThrow(expect.objectContaining({ kind: 'internal' }));
});

test('work that runs by itself says that it is this process', async () => {
  await asInternal(async () => {
    await sleep(1);
    expect(currentCaller()).toEqual({ kind: 'internal' });
  });
  expect(() => currentCaller()).toThrow(expect.objectContaining({ kind: 'internal' }));
});

test('this process asks on its own behalf, under the trace of whoever called, and only for so long', async () => {
  await runInContext({ traceId: 'trace-1' }, async () => {
    expect(() => currentCaller()).toThrow('other rights');
    await asInternal(async () => {
      await sleep(1);
      expect([currentCaller(), currentContext()?.traceId]).toEqual([{ kind: 'internal' }, 'trace-1']);
    });
    expect(() => currentCaller()).toThrow('other rights');
  });
});
