import { createServer, type Socket } from 'node:net';
import { request } from 'undici';
import { authContract as auth } from '../../src/features/auth/auth.api';
import { leaderboardContract as leaderboard } from '../../src/features/leaderboard/leaderboard.api';
import { progressionContract as progression } from '../../src/features/progression/progression.api';
import { usersContract as users } from '../../src/features/users/users.api';
import { everyDatabase, type TestDatabase } from '../support/databases';
import { eventually } from '../support/eventually';
import { metricSum } from '../support/metrics';
import { internal, openDoor, ways } from '../support/placements';
import { freePort } from '../support/processes';
import { certificateFile } from '../support/tls-proxy';
import { openApp, type TestApp } from '../support/wires';

// ISSUE 11: features elsewhere that do not answer, at several addresses, behind TLS.

let database: TestDatabase;
let house: TestApp;

beforeAll(async () => {
  database = await (everyDatabase[0] as (typeof everyDatabase)[number]).create();
  house = await openApp(database.url, internal);
});
afterAll(async () => {
  await house[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const progress = async (app: TestApp): Promise<string> =>
  (await app.grpc.call(progression, 'getProgress', { playerId: 'nobody' })).code;
const readiness = async (app: TestApp) =>
  (await (await request(`${app.url}/health/ready`)).body.json()) as {
    status: string;
    checks: Record<string, { status: string; reason?: string }>;
  };

/** Takes connections and never says a word. */
async function blackHole() {
  const open = new Set<Socket>();
  const server = createServer((socket) => open.add(socket.on('error', () => undefined)));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    port: (server.address() as { port: number }).port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}

describe.each(ways)('over $name', ({ name, address }) => {
  const at = (port: number): string => (name === 'gRPC' ? `grpc://127.0.0.1:${port}` : `http://127.0.0.1:${port}`);

  test('of two addresses the dead one is left out, and is seen', async () => {
    const dead = at(await freePort());
    await using door = await openDoor(address(house), { PROGRESSION_URL: `${dead},${address(house)}` });
    // Reads are tried again elsewhere.
    for (let i = 0; i < 20; i += 1) expect(await progress(door)).toBe('player_not_found');
    await eventually(async () => expect(await metricSum(door.url, 'circuit_state{dependency="progression"')).toBe(2));
    await eventually(async () => {
      const { status, checks } = await readiness(door);
      const found = [status, checks.progression?.status, checks.users?.status];
      expect(found).toEqual(['ready', 'degraded', 'healthy']);
      expect(checks.progression?.reason).toContain(new URL(dead).host);
    });
  });

  test('a peer that swallows everything costs no more than the deadline, and soon nothing', async () => {
    await using hole = await blackHole();
    await using door = await openDoor(address(house), { PROGRESSION_URL: at(hole.port), USERS_URL: at(hole.port) });
    const codes: string[] = [];
    // Each ends at the handler's limit, 5 s, or before.
    for (let i = 0; i < 2; i += 1) codes.push(...(await Promise.all(Array.from({ length: 3 }, () => progress(door)))));
    for (const code of codes) expect(['deadline_exceeded', 'unavailable']).toContain(code);
    await eventually(async () => expect(await progress(door)).toBe('unavailable'));
    expect(await metricSum(door.url, 'circuit_state{dependency="progression"')).toBe(2);
    expect(await metricSum(door.url, 'app_progression_requests_total{status="failed"')).toBeGreaterThanOrEqual(5);
    // Others are asked as ever.
    expect((await door.http.call(leaderboard, 'getLeaderboard', { window: 'daily' })).code).toBe('ok');
    expect((await readiness(door)).status).toBe('ready');
  }, 40_000);

  test('who is back is found to be, also where nobody calls', async () => {
    const port = await freePort();
    await using door = await openDoor(address(house), { PROGRESSION_URL: at(port) });
    for (let i = 0; i < 3; i += 1) expect(await progress(door)).toBe('unavailable');
    await eventually(async () => expect((await readiness(door)).checks.progression?.status).toBe('degraded'));
    const ports = name === 'gRPC' ? { GRPC_PORT: String(port) } : { HTTP_PORT: String(port) };
    await using _back = await openApp(database.url.replace('aerie.db', `back-${name}.db`), { ...internal, ...ports });
    await eventually(async () => expect((await readiness(door)).checks.progression?.status).toBe('healthy'));
    expect(await metricSum(door.url, 'circuit_state{dependency="progression"')).toBe(0);
  }, 60_000);

  test('with another secret it is 503 for everybody, not the player who is told to log in, and is seen', async () => {
    await using door = await openDoor(address(house), {
      INTERNAL_API_SECRET: 'the-secret-of-quite-another-system-here',
    });
    for (let i = 0; i < 6; i += 1) expect(await progress(door)).toBe('unavailable');
    const login = await door.http.call(auth, 'login', { email: 'ada@example.com', password: 'not the right one' });
    expect([login.status, login.code]).toEqual([503, 'unavailable']);
    await eventually(async () => {
      const { checks } = await readiness(door);
      expect([checks.progression?.status, checks.auth?.status]).toEqual(['degraded', 'healthy']);
    });
  });

  test('another feature, or another wire, at an address is 503, and is seen', async () => {
    const wrong = name === 'gRPC' ? `grpc://${new URL(house.url).host}` : `http://${house.grpcAddress}`;
    await using lone = await openApp(database.url.replace('aerie.db', `lone-${name}.db`), {
      ...internal,
      MODULES: 'leaderboard,events-gateway,fairness',
    });
    await using door = await openDoor(address(house), { PROGRESSION_URL: address(lone), USERS_URL: wrong });
    for (let i = 0; i < 6; i += 1) {
      expect(await progress(door)).toBe('unavailable');
      expect((await door.http.call(users, 'listUsers', {})).code).toBe('unavailable');
    }
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await eventually(async () => {
      const { checks } = await readiness(door);
      expect([checks.progression?.status, checks.users?.status]).toEqual(['degraded', 'degraded']);
    });
  });

  test('processes that send a call to each other end it soon, and say so', async () => {
    const [one, two] = [await freePort(), await freePort()];
    const ports = (port: number) => (name === 'gRPC' ? { GRPC_PORT: String(port) } : { HTTP_PORT: String(port) });
    await using first = await openDoor(address(house), { ...ports(one), PROGRESSION_URL: at(two) });
    await using second = await openDoor(address(house), { ...ports(two), PROGRESSION_URL: at(one) });
    expect(await progress(first)).toBe('misrouted');
    // What could not be connected to yet was tried again, and counts as failed.
    const seen = await Promise.all(
      [first, second].map(({ url }) => metricSum(url, 'app_progression_requests_total{status="refused"')),
    );
    expect(seen.reduce((sum, count) => sum + count, 0)).toBe(5);
  });

  test('what is gone is 503 with when to come again, and is back when it is back', async () => {
    const port = await freePort();
    await using door = await openDoor(address(house), { USERS_URL: at(port) });
    const list = () => door.http.call(users, 'listUsers', {});
    expect(await list()).toMatchObject({ code: 'unavailable', status: 503, retryAfter: true });
    const ports = name === 'gRPC' ? { GRPC_PORT: String(port) } : { HTTP_PORT: String(port) };
    await using _back = await openApp(database.url.replace('aerie.db', 'other.db'), { ...internal, ...ports });
    const ends = Date.now() + 10_000;
    while ((await list()).code !== 'ok' && Date.now() < ends) await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await list()).code).toBe('ok');
  }, 30_000);
});

test('over TLS both sides show who they are; who shows nothing is not let in', async () => {
  const pair = { GRPC_TLS_CERT: certificateFile, GRPC_TLS_KEY: certificateFile };
  await using secure = await openApp(database.url.replace('aerie.db', 'tls.db'), {
    ...internal,
    ...pair,
    GRPC_TLS_CA: certificateFile,
  });
  const [, port] = secure.grpcAddress.split(':');
  const place = { PROGRESSION_URL: `grpcs://localhost:${port}` };
  await using known = await openDoor(house.url, {
    ...place,
    ...pair,
    GRPC_TLS_CA: certificateFile,
    GRPC_ENABLED: 'true',
  });
  expect((await known.http.call(progression, 'getProgress', { playerId: 'nobody' })).code).toBe('player_not_found');
  await using stranger = await openDoor(house.url, place);
  expect((await stranger.http.call(progression, 'getProgress', { playerId: 'nobody' })).code).toBe('unavailable');
});
