import fc from 'fast-check';
import { canonicalEmail, email } from '../../../src/shared/text/email';

// What is checked, what is stored and what is compared are one string.

const stored = (text: string): string | undefined => email.safeParse(text).data;

describe('no address', () => {
  test.each([
    'b@example.com/<img src=x>',
    'ada@example.com/?x',
    'ada@example.com?x',
    'ada@example.com#x',
    'ada@example.com\\x',
    'ada@example.com:80',
    'ada@example.com%2Fx',
    'ada@example.com/..',
    'ada@example.com.',
    'ada@exa\u00ADmple.com',
    'ada@exa\uFE0Fmple.com',
    'ada@exa\u200Cmple.com',
    'ada@exa\u2060mple.com',
    'ada@exa\u{E0100}mple.com',
    'a\u00ADda@example.com',
    'a\u034Fda@example.com',
    'ada@[127.0.0.1]',
    'ada@1.0x7f',
    'ada@example.com\uFF0Fx',
    'ada@\uFF05\uFF12\uFF10example.com',
    '"ada"@example.com',
    '..@example.com',
    '.@example.com',
    '@example.com',
    'ada@',
    'ada@example.com@',
    `${'\uFB1D'.repeat(100)}@example.com`,
    `a@${'\u1E9B\u0323'.repeat(90)}.com`,
  ])('%j', (text) => {
    expect(stored(text)).toBeUndefined();
    expect(canonicalEmail(text)).toBeUndefined();
  });
});

test.each([
  ['a..b@docomo.ne.jp', 'a..b@docomo.ne.jp'],
  ['.a@ezweb.ne.jp', '.a@ezweb.ne.jp'],
  ['a.@docomo.ne.jp', 'a.@docomo.ne.jp'],
  ['..A...b..@DOCOMO.ne.jp', '..a...b..@docomo.ne.jp'],
  ['Ada@Example.COM', 'ada@example.com'],
  ['\u0391\u03A3@example.com', '\u03B1\u03C3@example.com'],
  ['\u03B1\u03C2@example.com', '\u03B1\u03C3@example.com'],
  ['bruce@\u4F8B\u3048.jp', 'bruce@xn--r8jz45g.jp'],
  ['bruce@\u4F8B\u3048\u3002jp', 'bruce@xn--r8jz45g.jp'],
  ['ada@stra\u00DFe.example', 'ada@xn--strae-oqa.example'],
  ['\uFF41da\uFF20example.com', 'ada@example.com'],
])('%j is compared as %j', (text, canonical) => {
  expect(canonicalEmail(text)).toBe(canonical);
  expect(canonicalEmail(stored(text) ?? '')).toBe(canonical);
});

test('of two addresses that differ in a dot neither takes the other', () => {
  const spellings = ['a.b', 'a..b', '.a.b', 'a.b.', 'ab'].map((local) => canonicalEmail(`${local}@docomo.ne.jp`));
  expect(new Set(spellings).size).toBe(5);
});

const letters = fc.oneof(
  fc.constantFrom(...'abcXYZ019'.split(''), '\u00E9', 'e\u0301', '\u03A3', '\u4F8B', '\uFF41', '\u00DF', '\u0130'),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
);
const word = fc.array(letters, { minLength: 1, maxLength: 6 }).map((all) => all.join(''));
const address = fc
  .tuple(word, word, fc.constantFrom('com', 'ne.jp', 'COM'))
  .map(([local, domain, top]) => `${local}@${domain}.${top}`);
const anything = fc.oneof(
  fc.constantFrom(...'/?#\\@:%. []<>"\'&;,()'.split(''), '\u3002', '\u200B', '\u00AD', '\uFF0E', '\u202E'),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
);
const runs = { numRuns: 5000 };

test('what is stored is stored again as it is, is within its column, and compares as what was sent', () => {
  fc.assert(
    fc.property(fc.oneof(address, fc.string({ unit: 'binary', maxLength: 300 })), (text) => {
      const kept = stored(text);
      if (kept === undefined) return;
      expect([stored(kept), canonicalEmail(kept)]).toEqual([kept, canonicalEmail(text)]);
      expect(Math.max(kept.length, canonicalEmail(kept)?.length ?? 0)).toBeLessThanOrEqual(254);
      expect(canonicalEmail(canonicalEmail(kept) ?? '')).toBe(canonicalEmail(kept));
    }),
    runs,
  );
});

test('whatever is put into an address is refused or makes it another one', () => {
  fc.assert(
    fc.property(address, anything, fc.nat(), (text, extra, where) => {
      const canonical = canonicalEmail(text);
      fc.pre(canonical !== undefined);
      const place = where % (text.length + 1);
      const changed = text.slice(0, place) + extra + text.slice(place);
      if (stored(changed) !== undefined) expect(canonicalEmail(changed)).not.toBe(canonical);
    }),
    runs,
  );
});

test('two addresses that compare as one differ in nothing but case, composition, width, and the spelling of the domain', () => {
  const plain = (text: string): string => text.normalize('NFKC').toUpperCase();
  fc.assert(
    fc.property(address, anything, fc.nat(), (text, extra, where) => {
      const place = where % text.length;
      const changed = text.slice(0, place) + extra + text.slice(place + 1);
      const [one, other] = [stored(text), stored(changed)];
      fc.pre(one !== undefined && other !== undefined);
      const same = canonicalEmail(text) === canonicalEmail(changed);
      if (same) expect(plain(other)).toBe(plain(one));
      if (one === other) expect(same).toBe(true);
    }),
    runs,
  );
});
