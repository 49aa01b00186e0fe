import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { authContract as auth } from '../../../src/features/auth/auth.api';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { makeKeyFile } from '../../support/keys';
import { manyAddresses, type Player, password, register } from '../../support/players';
import { type Outcome, openApp, type TestApp } from '../../support/wires';
import { altered, decoded, forgeries, type Original, signedBy } from './tokens.forged';

// SPEC 0, Access: a player's token is one that we have signed, for a user who is there, and that nobody has ended.

const wires = ['http', 'grpc'] as const;
const sqlite = everyDatabase[0] as (typeof everyDatabase)[number];

let folder: string;
let database: TestDatabase;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aerie-keys-'));
  database = await sqlite.create();
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const verify = (app: TestApp, wire: 'http' | 'grpc', authorization: string): Promise<Outcome> =>
  app[wire].call(auth, 'verify', {}, { authorization });

describe('forged', () => {
  let app: TestApp;
  let player: Player;
  let original: Original;

  beforeAll(async () => {
    const file = await makeKeyFile(folder, 'forged');
    app = await openApp(database.url, { ...manyAddresses, JWT_PRIVATE_KEY_FILE: file });
    player = await register(app, 'forged@example.com');
    const key: KeyObject = createPrivateKey(readFileSync(file));
    original = { token: player.token, key };
  });
  afterAll(() => app[Symbol.asyncDispose]());

  test('there are at least 40 forgeries', () => expect(forgeries.length).toBeGreaterThanOrEqual(40));

  test('the table forges what it says: the same content, rightly signed, passes', async () => {
    const same = signedBy(original.key, decoded(player.token, 0), decoded(player.token, 1));
    const more = signedBy(original.key, decoded(player.token, 0), { ...decoded(player.token, 1), more: 'x' });
    for (const token of [player.token, same, more]) {
      for (const wire of wires) expect((await verify(app, wire, `Bearer ${token}`)).code).toBe('ok');
    }
  });

  test.each(forgeries)('%s', async (_name, forge) => {
    const token = forge(original);
    expect(token).not.toBe(player.token);
    const [http, grpc] = [await verify(app, 'http', `Bearer ${token}`), await verify(app, 'grpc', `Bearer ${token}`)];
    expect(http).toMatchObject({ code: 'token_invalid', status: 401 });
    expect(grpc).toMatchObject({ code: 'token_invalid', status: 16 });
    expect([http.body, grpc.body]).toEqual(new Array(2).fill({ message: 'A valid bearer token is required' }));
  });

  test.each([10, 25])('but not one whose issuer has a clock that is %d s ahead', async (ahead) => {
    const issued = Math.floor(Date.now() / 1000) + ahead;
    const early = altered(original, { iat: issued, nbf: issued });
    for (const wire of wires) expect((await verify(app, wire, `Bearer ${early}`)).code).toBe('ok');
  });

  test.each(['', 'Bearer', 'Bearer ', 'Basic TOKEN', 'TOKEN', 'Bearer  TOKEN', 'Bearer: TOKEN', 'BearerTOKEN'])(
    'as "%s"',
    async (spelling) => {
      const authorization = spelling.replace('TOKEN', player.token);
      for (const wire of wires) expect((await verify(app, wire, authorization)).code).toBe('token_invalid');
    },
  );

  test('a token says what it is', () => {
    expect(decoded(player.token, 0)).toEqual({
      alg: 'RS256',
      typ: 'at+jwt',
      kid: expect.stringMatching(/^[\w-]{43}$/),
    });
    const { iat, ...claims } = decoded(player.token, 1) as { iat: number };
    const jti = expect.stringMatching(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
    const expected = { iss: 'aerie', aud: 'aerie', sub: player.id, jti, nbf: iat, exp: iat + 86_400, role: 'player' };
    expect(claims).toEqual(expected);
  });
});

test.each(wires)(
  '%s: after a logout the token is refused here at once, by another instance within a second and after a restart',
  async (wire) => {
    const env = { ...manyAddresses, JWT_PRIVATE_KEY_FILE: await makeKeyFile(folder, 'logout') };
    let player: Player;
    let again: Outcome;
    {
      await using first = await openApp(database.url, env);
      await using other = await openApp(database.url, env);
      player = await register(first, `logout-${wire}@example.com`, wire);
      again = await first[wire].call(auth, 'login', { email: player.email, password });
      expect((await verify(other, wire, `Bearer ${player.token}`)).code).toBe('ok');
      const answer = await first[wire].call(auth, 'logout', {}, player.headers);
      expect([answer.code, answer.body, [200, 0].includes(answer.status)]).toEqual(['ok', {}, true]);
      const refusedBy = async (app: TestApp): Promise<void> => {
        for (const each of wires)
          expect((await verify(app, each, `Bearer ${player.token}`)).code).toBe('token_invalid');
      };
      await refusedBy(first);
      await eventually(() => refusedBy(other));
      expect((await first[wire].call(auth, 'logout', {}, player.headers)).code).toBe('token_invalid');
      // The other token of the same player is another matter.
      expect((await verify(other, wire, `Bearer ${again.body.accessToken}`)).code).toBe('ok');
    }
    await using restarted = await openApp(database.url, env);
    expect((await verify(restarted, wire, `Bearer ${player.token}`)).code).toBe('token_invalid');
    expect((await verify(restarted, wire, `Bearer ${again.body.accessToken}`)).code).toBe('ok');
  },
);

describe('keys', () => {
  async function published(app: TestApp): Promise<{ keys: Record<string, string>[]; cache: unknown }> {
    const answer = await request(`${app.url}/.well-known/jwks.json`, { headers: { 'x-forwarded-for': '192.0.2.1' } });
    expect(answer.statusCode).toBe(200);
    const { keys } = (await answer.body.json()) as { keys: Record<string, string>[] };
    return { keys, cache: answer.headers['cache-control'] };
  }

  test('rotate: the old one verifies as a second file or as a public one, and no longer when it is gone', async () => {
    const [old, next] = [await makeKeyFile(folder, 'old'), await makeKeyFile(folder, 'next')];
    const open = (env: Record<string, string>) => openApp(database.url, { ...manyAddresses, ...env });
    let player: Player;
    {
      await using before = await open({ JWT_PRIVATE_KEY_FILE: old, JWT_PUBLIC_KEY_FILE: `${next}.pub` });
      player = await register(before, 'rotation@example.com');
      expect((await published(before)).keys.map(({ kid }) => kid)).toContain(decoded(player.token, 0).kid);
    }
    const overlaps: Record<string, string>[] = [
      { JWT_PRIVATE_KEY_FILE: `${next},${old}` },
      { JWT_PRIVATE_KEY_FILE: next, JWT_PUBLIC_KEY_FILE: `${old}.pub` },
    ];
    for (const env of overlaps) {
      await using during = await open(env);
      expect((await verify(during, 'grpc', `Bearer ${player.token}`)).code).toBe('ok');
      const fresh = await register(during, `${Object.keys(env).length}-keys@example.com`);
      const { keys } = await published(during);
      expect(keys.map(({ kid }) => kid)).toEqual([decoded(fresh.token, 0).kid, decoded(player.token, 0).kid]);
    }
    await using after = await open({ JWT_PRIVATE_KEY_FILE: next });
    for (const wire of wires) expect((await verify(after, wire, `Bearer ${player.token}`)).code).toBe('token_invalid');
  });

  test('are published without any private part, to be kept for a while', async () => {
    const file = await makeKeyFile(folder, 'published');
    await using app = await openApp(database.url, { JWT_PRIVATE_KEY_FILE: file });
    const { keys, cache } = await published(app);
    expect(cache).toBe('public, max-age=300');
    expect(keys).toHaveLength(1);
    expect(Object.keys(keys[0] ?? {}).sort()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use']);
  });
});
