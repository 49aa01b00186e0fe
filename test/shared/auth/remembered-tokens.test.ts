import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { LRUCache } from 'lru-cache';
import { ulid } from 'ulid';
import type { TokenKeys } from '../../../src/shared/auth/token-keys';
import { Tokens } from '../../../src/shared/auth/tokens';
import type { Config } from '../../../src/shared/config/config';
import { HandClock } from '../../support/hand-clock';
import { signedBy } from './tokens.forged';

// A signature is checked once. Everything else about a token is looked at each time.

const hour = 3600;
const kid = 'k'.repeat(43);
const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const header = { alg: 'RS256', typ: 'at+jwt', kid };
const subtle = globalThis.crypto.subtle;

let clock: HandClock;
let verifying: Map<string, KeyObject>;
let tokens: Tokens;
let checks: jest.SpyInstance;

beforeEach(() => {
  clock = new HandClock();
  verifying = new Map([[kid, publicKey]]);
  const ring = async () => ({ verifying, signing: { kid, key: privateKey }, published: [] });
  tokens = new Tokens({ ring } as unknown as TokenKeys, { jwt: { ttlMs: hour * 1000 } } as unknown as Config, clock);
  checks = jest.spyOn(subtle, 'verify');
});
afterEach(() => checks.mockRestore());

const kept = () => (tokens as unknown as { remembered: LRUCache<string, object> }).remembered;

function tokenWith(times: { iat?: number; nbf?: number; exp?: number } = {}): string {
  const now = clock.now() / 1000;
  const claims = { iss: 'aerie', aud: 'aerie', sub: ulid(), jti: ulid(), role: 'player' };
  return signedBy(privateKey, header, { ...claims, iat: now, nbf: now, exp: now + hour, ...times });
}

test('the signature of a token is checked once, however often the token is shown', async () => {
  const token = await tokens.issue(ulid(), 'player');
  const first = await tokens.verify(token);
  expect(first).toBeDefined();
  for (let i = 0; i < 10; i += 1) expect(await tokens.verify(token)).toEqual(first);
  expect(checks).toHaveBeenCalledTimes(1);
});

test('a token is not taken for another that differs in one character of any part', async () => {
  const token = tokenWith();
  expect(await tokens.verify(token)).toBeDefined();
  for (let at = 0; at < token.length; at += 7) {
    if (token[at] === '.') continue;
    const other = `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`;
    expect(await tokens.verify(other)).toBeUndefined();
  }
  for (const other of [`${token}A`, token.slice(0, -1), `${token}.`, ` ${token}`])
    expect(await tokens.verify(other)).toBeUndefined();
});

test('a token that was refused is not remembered', async () => {
  const [head, payload] = tokenWith().split('.');
  const forged = `${head}.${payload}.${tokenWith().split('.')[2]}`;
  for (let i = 1; i <= 3; i += 1) {
    expect(await tokens.verify(forged)).toBeUndefined();
    expect(checks).toHaveBeenCalledTimes(i);
  }
  expect(kept().size).toBe(0);
});

test('of a token its SHA-256 is kept, and neither its text nor its signature', async () => {
  const token = tokenWith();
  await tokens.verify(token);
  const text = JSON.stringify(kept().dump());
  expect(kept().size).toBe(1);
  for (const part of [token, ...token.split('.')]) expect(text).not.toContain(part);
});

test('no more than 10,000 are remembered', () => expect(kept().max).toBe(10_000));

test.each<[string, { iat?: number; nbf?: number; exp?: number }, number, number]>([
  ['expired', { exp: 60 }, 59_999, 60_000],
  ['older than tokens may be', { exp: 10 * hour }, (hour + 31) * 1000 - 1, (hour + 31) * 1000],
])('one that was remembered is refused once it is %s', async (_what, { exp = 0 }, last, after) => {
  const token = tokenWith({ exp: clock.now() / 1000 + exp });
  expect(await tokens.verify(token)).toBeDefined();
  clock.at = last;
  expect(await tokens.verify(token)).toBeDefined();
  expect(checks).toHaveBeenCalledTimes(1);
  clock.at = after;
  expect(await tokens.verify(token)).toBeUndefined();
  expect(kept().size).toBe(0);
});

test.each(['nbf', 'iat'])(
  'one that was remembered is refused while the clock is set back before its %s',
  async (claim) => {
    clock.at = 100_000;
    const token = tokenWith({ [claim]: clock.now() / 1000 + 30 });
    const steady = jest.spyOn(clock, 'steady');
    expect(await tokens.verify(token)).toBeDefined();
    steady.mockReturnValue(clock.now() - 1);
    expect(await tokens.verify(token)).toBeUndefined();
    steady.mockReturnValue(clock.now());
    expect(await tokens.verify(token)).toBeDefined();
  },
);

test('one that was remembered is refused when its key is gone, or another has its name', async () => {
  const token = tokenWith();
  expect(await tokens.verify(token)).toBeDefined();
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
  for (const keys of [new Map(), new Map([[kid, other]])]) {
    verifying = keys;
    expect(await tokens.verify(token)).toBeUndefined();
  }
  verifying = new Map([[kid, publicKey]]);
  expect(await tokens.verify(token)).toBeDefined();
});
