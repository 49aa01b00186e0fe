import { ulid } from 'ulid';
import { request } from 'undici';
import { authContract as auth } from '../../src/features/auth/auth.api';
import { leaderboardContract as leaderboard } from '../../src/features/leaderboard/leaderboard.api';
import { progressionContract as progression } from '../../src/features/progression/progression.api';
import { usersContract as users } from '../../src/features/users/users.api';
import { everyDatabase, type TestDatabase } from '../support/databases';
import { internal, internalSecret, openDoor, ways } from '../support/placements';
import { fromElsewhere, manyAddresses, password, register } from '../support/players';
import { openApp, type TestApp } from '../support/wires';

// SPEC 0, access: who calls, and from which address, travels between processes; nobody gains a right on the way.

const secret = { authorization: `Bearer ${internalSecret}` };
const strict = { AUTH_REQUIRED: 'true' };
const somebody = '01KAJ0000000000000000000AA';

let database: TestDatabase;
let house: TestApp;

beforeAll(async () => {
  database = await (everyDatabase[0] as (typeof everyDatabase)[number]).create();
  // Nobody's X-Forwarded-For is believed here.
  house = await openApp(database.url, { ...internal, ...strict });
});
afterAll(async () => {
  await house[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

describe.each(['http', 'grpc'] as const)('what is said beside a call, over %s', (wire) => {
  const progressOf = async (playerId: string, headers: Record<string, string>) =>
    (await house[wire].call(progression, 'getProgress', { playerId }, headers)).code;

  test('without the secret nobody speaks for anybody', async () => {
    const sayings: Record<string, string>[] = [
      { 'x-aerie-subject': somebody },
      { 'x-aerie-subject': 'anonymous' },
      { 'x-aerie-role': 'admin' },
      { 'x-aerie-subject': somebody, 'x-aerie-role': 'admin' },
      { 'x-aerie-token': `${somebody} 9999999999999` },
    ];
    for (const said of sayings) {
      expect(await progressOf(somebody, said)).toBe('token_invalid');
      expect(await progressOf(somebody, { ...said, authorization: `Basic ${internalSecret}` })).toBe('token_invalid');
      // A process of another system, or of this one with another secret: it is told why.
      expect(await progressOf(somebody, { ...said, authorization: 'Bearer wrong' })).toBe('secret_unknown');
    }
  });

  test('with it: nobody in particular has no right, a player their own, an administrator all', async () => {
    const as = (said: Record<string, string>) => progressOf(somebody, { ...secret, ...said });
    expect(await as({})).toBe('player_not_found');
    expect(await as({ 'x-aerie-subject': 'anonymous' })).toBe('token_invalid');
    expect(await as({ 'x-aerie-subject': 'anonymous', 'x-aerie-role': 'admin' })).toBe('token_invalid');
    expect(await as({ 'x-aerie-role': 'admin' })).toBe('token_invalid');
    expect(await as({ 'x-aerie-subject': somebody, 'x-aerie-role': 'root' })).toBe('token_invalid');
    expect(await as({ 'x-aerie-subject': somebody, 'x-aerie-token': 'x' })).toBe('token_invalid');
    expect(await as({ 'x-aerie-subject': somebody })).toBe('player_not_found');
    const list = async (said: Record<string, string>) =>
      (await house[wire].call(users, 'listUsers', {}, { ...secret, ...said })).code;
    expect(await list({ 'x-aerie-subject': somebody })).toBe('forbidden');
    expect(await list({ 'x-aerie-subject': somebody, 'x-aerie-role': 'admin' })).toBe('ok');
  });

  test('a call that has come through too many processes ends; what others say of that is left out', async () => {
    for (const hops of ['5', '99', 'x']) {
      const said = { 'x-aerie-hops': hops };
      expect(await progressOf(somebody, { ...secret, ...said })).toBe('misrouted');
      const { code } = await house[wire].call(leaderboard, 'getLeaderboard', { window: 'daily' }, said);
      expect([hops, code]).toEqual([hops, 'ok']);
    }
    expect(await progressOf(somebody, { ...secret, 'x-aerie-hops': '4' })).toBe('player_not_found');
  });

  test('limits count the address that a process tells, and nobody else may tell one', async () => {
    const email = `${wire}-limits@example.com`;
    const login = async (headers: Record<string, string>) =>
      (await house[wire].call(auth, 'login', { email, password: 'wrong' }, headers)).code;
    const told = (last: number) => ({ 'x-aerie-client-address': `203.0.113.${last}` });
    for (let i = 0; i < 5; i += 1) expect(await login({ ...secret, ...told(1) })).toBe('credentials_invalid');
    expect(await login({ ...secret, ...told(1) })).toBe('rate_limited');
    expect(await login({ ...secret, ...told(2) })).toBe('credentials_invalid');
    for (let i = 0; i < 5; i += 1) expect(await login(told(10 + i))).toBe('credentials_invalid');
    expect(await login(told(20))).toBe('rate_limited');
  });
});

describe.each(ways)('through another process, over $name', ({ name, address }) => {
  let door: TestApp;
  beforeAll(async () => {
    door = await openDoor(address(house), { ...strict, ...manyAddresses });
  });
  afterAll(() => door[Symbol.asyncDispose]());

  describe.each(['http', 'grpc'] as const)('%s', (wire) => {
    const mail = (who: string): string => `${who}-${name}-${wire}@example.com`.toLowerCase();

    test('a player has the rights of a player there, an administrator those of one, and nobody none', async () => {
      const [ada, bob] = [await register(door, mail('ada'), wire), await register(door, mail('bob'), wire)];
      const get = async (id: string, headers: Record<string, string>) =>
        (await door[wire].call(users, 'getUser', { id }, headers)).code;
      expect(await get(ada.id, {})).toBe('token_invalid');
      expect(await get(ada.id, ada.headers)).toBe('ok');
      expect(await get(bob.id, ada.headers)).toBe('user_not_found');
      // What a player says of that is left out.
      const forged = { ...ada.headers, 'x-aerie-subject': bob.id, 'x-aerie-role': 'admin' };
      expect([await get(bob.id, forged), await get(ada.id, forged)]).toEqual(['user_not_found', 'ok']);
      expect((await door[wire].call(users, 'listUsers', {}, forged)).code).toBe('forbidden');
      expect(await get(bob.id, secret)).toBe('ok');
      const list = async () => (await door[wire].call(users, 'listUsers', {}, ada.headers)).code;
      expect(await list()).toBe('forbidden');
      const role = { userId: ada.id, role: 'admin' };
      expect((await house[wire].call(auth, 'setRole', role, secret)).code).toBe('ok');
      const ends = Date.now() + 1500;
      while ((await list()) !== 'ok' && Date.now() < ends) await new Promise((resolve) => setTimeout(resolve, 50));
      expect([await list(), await get(bob.id, ada.headers)]).toEqual(['ok', 'ok']);
    });

    test('whose token it is, and logging out, which holds here and there', async () => {
      const eve = await register(door, mail('eve'), wire);
      const verify = (app: TestApp) => app[wire].call(auth, 'verify', {}, eve.headers);
      const here = await verify(door);
      expect(here.body).toEqual((await verify(house)).body);
      expect(here.body).toMatchObject({ role: 'player', user: { id: eve.id } });
      expect((await door[wire].call(auth, 'logout', {}, eve.headers)).code).toBe('ok');
      expect((await verify(house)).code).toBe('token_invalid');
      const ends = Date.now() + 1500;
      while ((await verify(door)).code === 'ok' && Date.now() < ends)
        await new Promise((resolve) => setTimeout(resolve, 50));
      expect((await verify(door)).code).toBe('token_invalid');
    });

    test('limits count the client, not the process between', async () => {
      const email = mail('victim');
      const login = async (from: Record<string, string>) =>
        (await door[wire].call(auth, 'login', { email, password: 'wrong' }, from)).code;
      const [here, there] = [fromElsewhere(), fromElsewhere()];
      for (let i = 0; i < 5; i += 1) expect(await login(here)).toBe('credentials_invalid');
      expect(await login(here)).toBe('rate_limited');
      expect(await login(there)).toBe('credentials_invalid');
    });
  });

  test('the headers of answers are those of the process that runs the features', async () => {
    const [here, there] = [headersFrom(door), headersFrom(house)];
    const key = ulid();
    const person = { name: 'Ada', email: mail2(name, 'first') };
    const made = await there('POST', '/users', person, { 'idempotency-key': key });
    const again = await here('POST', '/users', person, { 'idempotency-key': key });
    expect(again).toEqual({ ...made, 'idempotent-replayed': 'true' });
    expect(made).toMatchObject({ status: 201, location: expect.stringContaining('/users/') });
    for (const path of [
      String(made.location),
      '/leaderboard?window=daily',
      '/leaderboard?window=daily&key=2026-01-01',
      '/players/nobody/progress',
    ])
      expect(await here('GET', path)).toEqual(await there('GET', path));
    const etag = String((await there('GET', String(made.location))).etag);
    expect((await here('GET', String(made.location), undefined, { 'if-none-match': etag })).status).toBe(304);
    const account = { name: 'Bob', email: mail2(name, 'second'), password };
    expect(await here('POST', '/auth/register', account)).toMatchObject({
      status: 201,
      'cache-control': 'no-store',
      'ratelimit-policy': expect.stringContaining('"account"'),
    });
    const wrong = { email: mail2(name, 'nobody'), password: 'wrong' };
    const refused = await here('POST', '/auth/login', wrong);
    const same = await there('POST', '/auth/login', { ...wrong, email: mail2(name, 'nobody-else') });
    expect(refused).toEqual({ ...same, ratelimit: expect.any(String) });
  });
});

function mail2(way: string, who: string): string {
  return `${who}-${way}@example.com`.toLowerCase();
}

const compared = [
  'etag',
  'cache-control',
  'location',
  'idempotent-replayed',
  'ratelimit-policy',
  'ratelimit',
  'retry-after',
  'www-authenticate',
];

/** Asks an app as an operator; what of its answers stands beside their bodies. */
function headersFrom(app: TestApp) {
  const said = { ...secret, 'content-type': 'application/json', 'x-aerie-client-address': '203.0.113.99' };
  return async (method: 'GET' | 'POST', path: string, body?: object, headers = {}) => {
    const sent = { method, headers: { ...said, ...headers }, body: body === undefined ? null : JSON.stringify(body) };
    const answer = await request(app.url + path, sent);
    await answer.body.dump();
    const told = Object.fromEntries(compared.map((one) => [one, answer.headers[one]]));
    return { status: answer.statusCode, ...told } as { status: number; location?: string; etag?: string };
  };
}
