import fc from 'fast-check';
import { z } from 'zod';
import type { Config } from '../../../src/shared/config/config';
import { type ListTokens, PageTokens, type Position, rowNumber } from '../../../src/shared/contract/page-token';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const positions: z.ZodType<Position> = z.array(z.union([z.string(), z.number()]));

function tokensWith(...secrets: string[]): PageTokens {
  return new PageTokens({
    hmacKeys: secrets.map((secret) => ({ kid: secret, secret: Buffer.from(secret) })),
  } as unknown as Config);
}

const tokens = tokensWith('first secret').of('rewards', positions);
const invalid = expect.objectContaining({
  kind: 'invalid',
  code: 'page_token_invalid',
  details: { fields: [{ field: 'pageToken', message: expect.any(String) }] },
});

function refused(filter: unknown, text: string, by: ListTokens<Position> = tokens): boolean {
  try {
    by.decode(filter, text);
    return false;
  } catch (error) {
    expect(error).toEqual(invalid);
    return true;
  }
}

const position: fc.Arbitrary<Position> = fc.array(
  fc.oneof(fc.maxSafeInteger(), fc.string({ unit: 'grapheme', maxLength: 40 }), fc.ulid()),
  { maxLength: 4 },
);

test('a position comes back; without a token it is the first page', () => {
  fc.assert(
    fc.property(position, fc.jsonValue(), (at, filter) => {
      expect(tokens.decode(filter, tokens.encode(filter, at))).toEqual(at);
    }),
  );
  expect([tokens.decode(null, undefined), tokens.decode(null, '')]).toEqual([undefined, undefined]);
});

test.each<[string, Position]>([
  ['a number', [12_345]],
  ['nothing', []],
  ['texts', ['player-1', 'é\u{1f600}', '']],
  // Its bytes can be changed into others that decode to the same character.
  ['the replacement character', ['\uFFFD', 'a\uFFFD', '\uFFFDb']],
])('any one character changed, dropped or added is refused: %s', (_name, at) => {
  const text = tokens.encode({ playerId: 'player-1' }, at);
  for (let i = 0; i <= text.length; i++) {
    for (const char of alphabet) {
      const changed = text.slice(0, i) + char + text.slice(i + 1);
      if (changed !== text && !refused({ playerId: 'player-1' }, changed)) throw new Error(`accepted: ${changed}`);
      const longer = text.slice(0, i) + char + text.slice(i);
      if (!refused({ playerId: 'player-1' }, longer)) throw new Error(`accepted: ${longer}`);
    }
    const shorter = text.slice(0, i) + text.slice(i + 1);
    if (i < text.length && !refused({ playerId: 'player-1' }, shorter)) throw new Error(`accepted: ${shorter}`);
  }
});

test('a token of another list or filter is refused', () => {
  const text = tokens.encode({ playerId: 'player-1' }, [5]);
  expect(refused({ playerId: 'player-2' }, text)).toBe(true);
  expect(refused(null, text)).toBe(true);
  expect(() => tokensWith('first secret').of('dead-letters', positions).decode({ playerId: 'player-1' }, text)).toThrow(
    invalid,
  );
});

test('whatever else is sent is refused', () => {
  const made = fc.oneof(
    fc.string({ minLength: 1 }),
    fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value)).toString('base64url')),
    fc.jsonValue().map((value) => Buffer.from(JSON.stringify({ at: [value], sum: value })).toString('base64url')),
  );
  fc.assert(fc.property(made, (text) => expect(refused(null, text)).toBe(true)));
});

test('every process of a deployment reads the tokens, also while the secret is replaced; nobody else makes them', () => {
  const text = tokens.encode(null, [5]);
  const by = (...secrets: string[]): ListTokens<Position> => tokensWith(...secrets).of('rewards', positions);
  expect(by('first secret').encode(null, [5])).toBe(text);
  expect(by('second secret', 'first secret').decode(null, text)).toEqual([5]);
  expect(by('second secret', 'first secret').encode(null, [5])).toBe(by('second secret').encode(null, [5]));
  expect(refused(null, text, by('second secret'))).toBe(true);
  expect(() => by()).toThrow('need a key');
});

test.each<[string, Position]>([
  ['nothing', []],
  ['two', [1, 2]],
  ['a text', ['1']],
  ['0', [0]],
  ['less', [-5]],
  ['a fraction', [1.5]],
  ['what no column holds', [2 ** 53]],
  ['what no number is', [1e300]],
])('a position that no row has is refused, though we have made the token: %s', (_name, at) => {
  expect(refused(null, tokens.encode(null, at), tokensWith('first secret').of('rewards', rowNumber))).toBe(true);
});
