import fc from 'fast-check';
import { PageTokens, type Position } from '../../../src/shared/rpc/page-token';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const tokens = new PageTokens('rewards');
const invalid = expect.objectContaining({
  kind: 'invalid',
  code: 'page_token_invalid',
  details: { fields: [{ field: 'pageToken', message: expect.any(String) }] },
});

function refused(filter: unknown, text: string): boolean {
  try {
    tokens.decode(filter, text);
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
  expect(() => new PageTokens('dead-letters').decode({ playerId: 'player-1' }, text)).toThrow(invalid);
});

test('whatever else is sent is refused', () => {
  const made = fc.oneof(
    fc.string({ minLength: 1 }),
    fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value)).toString('base64url')),
    fc.jsonValue().map((value) => Buffer.from(JSON.stringify({ at: [value], sum: value })).toString('base64url')),
  );
  fc.assert(fc.property(made, (text) => expect(refused(null, text)).toBe(true)));
});
