import fc from 'fast-check';
import { AppError } from '../../../src/shared/errors/app-error';
import { parseJson } from '../../../src/shared/http/json';

// SPEC 0, input rules. Whatever JSON.parse reads comes out the same; what later code would trip over is refused.

function refusal(bytes: Buffer | string): AppError {
  try {
    parseJson(Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes));
  } catch (error) {
    if (error instanceof AppError && error.kind === 'invalid') return error;
    throw error;
  }
  throw new Error(`accepted: ${bytes}`);
}

const fieldOf = (text: string): string | undefined => refusal(text).details.fields?.[0]?.field;

/** Text that may stand in JSON here: well-formed, no NUL. */
const plain = fc
  .string({ unit: 'grapheme', maxLength: 12 })
  .filter((text) => !text.includes('\0') && text.isWellFormed());
const names = fc.oneof(plain, fc.constantFrom('a', '', '0', 'constructor', 'toString', 'hasOwnProperty', 'length'));
const key = names.filter((name) => name !== '__proto__');
const { document } = fc.letrec<{ document: unknown }>((tie) => ({
  document: fc.oneof(
    { maxDepth: 5, depthIdentifier: 'document' },
    fc.oneof(plain, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer(), fc.boolean(), fc.constant(null)),
    fc.array(tie('document'), { maxLength: 5, depthIdentifier: 'document' }),
    fc.dictionary(key, tie('document'), { maxKeys: 5, depthIdentifier: 'document' }),
  ),
}));

/** Some characters of some strings as escapes, and white space between the tokens. */
function respelled(text: string, seed: number): string {
  let turn = seed;
  const next = (): number => {
    turn = (turn * 1_103_515_245 + 12_345) % 2 ** 31;
    return turn;
  };
  const unit = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  const escaped = (char: string): string => (next() % 3 === 0 ? char.split('').map(unit).join('') : char);
  return text.replace(/"(?:[^"\\]|\\.)*"|[{}[\],:]/gs, (token) => {
    if (!token.startsWith('"')) return [' ', '\n', '\t', '\r', ''][next() % 5] + token;
    return token.replace(/\\.|[^\\"]/gsu, (part) => (part.startsWith('\\') ? part : escaped(part)));
  });
}

test('any JSON value comes out as JSON.parse reads it, however it is spelled', () => {
  fc.assert(
    fc.property(document, fc.nat(), (value, seed) => {
      const text = respelled(JSON.stringify(value), seed);
      expect(parseJson(Buffer.from(text))).toEqual(JSON.parse(text));
      expect(parseJson(Buffer.from(JSON.stringify(value)))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
    { numRuns: 2000 },
  );
});

test('any text is either read as JSON.parse reads it or refused as malformed', () => {
  const texts = fc.oneof(
    fc.string({ unit: fc.constantFrom(...'{}[]",:\\u0019aeE+-. \n'), maxLength: 40 }),
    fc.string({ unit: 'binary' }),
  );
  fc.assert(
    fc.property(texts, (text) => {
      let value: unknown;
      try {
        value = parseJson(Buffer.from(text));
      } catch (error) {
        expect(error).toMatchObject({ kind: 'invalid' });
        return;
      }
      expect(value).toEqual(JSON.parse(text));
    }),
    { numRuns: 5000 },
  );
});

test('any bytes that are not UTF-8 are refused', () => {
  const invalid = fc.constantFrom([0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]);
  fc.assert(
    fc.property(plain, invalid, (text, bytes) => {
      const start = Buffer.from(`{"a":${JSON.stringify(text).slice(0, -1)}`);
      expect(refusal(Buffer.concat([start, Buffer.from(bytes), Buffer.from('"}')])).message).toMatch(/UTF-8/);
    }),
  );
});

describe('what is planted anywhere is found and its place is named', () => {
  const step = fc.oneof(
    fc
      .constantFrom('a', 'payload', 'events')
      .map((name) => ({ open: `{"first":[1],"${name}":`, close: '}', name: `.${name}` })),
    fc.constantFrom(0, 1, 3).map((i) => ({
      open: `[${'{"x":"y"},'.repeat(i)}`,
      close: ',null]',
      name: `[${i}]`,
    })),
  );
  const place = fc.array(step, { minLength: 0, maxLength: 8 });
  const around = (steps: { open: string; close: string }[], inner: string): string =>
    steps.map(({ open }) => open).join('') +
    inner +
    [...steps]
      .reverse()
      .map(({ close }) => close)
      .join('');
  const path = (steps: { name: string }[], last: string): string =>
    `${steps.map(({ name }) => name).join('')}${last}`.replace(/^\./, '');

  test.each([
    ['a key given twice', '{"twice":1,"b":{"twice":0},"twice":2}', 'twice'],
    ['a key given twice, spelled apart', '{"twice":1,"tw\\u0069ce":2}', 'twice'],
  ])('%s', (_name, inner, name) => {
    fc.assert(fc.property(place, (steps) => expect(fieldOf(around(steps, inner))).toBe(name)));
  });

  test.each([
    ['__proto__', '{"__proto__":{"admin":true}}', '.__proto__'],
    ['__proto__, spelled apart', '{"\\u005f_proto__":1}', '.__proto__'],
    ['NUL in a text', '{"id":"a\\u0000b"}', '.id'],
    ['half a surrogate pair', '{"id":"\\ud83d"}', '.id'],
    ['the other half', '{"id":"\\ude00\\ud83d"}', '.id'],
    ['half a pair in a list', '["ok","\\udfff"]', '[1]'],
  ])('%s', (_name, inner, last) => {
    fc.assert(fc.property(place, (steps) => expect(fieldOf(around(steps, inner))).toBe(path(steps, last))));
  });

  test('what is no JSON has another code than text that no message may hold', () => {
    expect(refusal('{"a":').code).toBe('malformed_json');
    expect(refusal('{"a":1,"a":2}').code).toBe('malformed_json');
    expect(refusal('{"a":"\\u0000"}').code).toBe('validation_failed');
    expect(refusal('{"a":"\\ud800"}').code).toBe('validation_failed');
  });

  test('NUL or half a pair in a key', () => {
    expect(fieldOf('{"a":{"b\\u0000":1}}')).toBe('a.b\uFFFD');
    expect(fieldOf('{"a":{"b\\ud800":1}}')).toBe('a.b\uFFFD');
  });
});

test('32 levels are read, the 33rd is refused before anything recurses', () => {
  const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;
  expect(parseJson(Buffer.from(nested(32)))).toEqual(JSON.parse(nested(32)));
  expect(refusal(nested(33)).message).toMatch(/deeper than 32/);
  expect(refusal('['.repeat(250_000)).message).toMatch(/deeper than 32/);
  expect(refusal('{"a":'.repeat(50_000)).message).toMatch(/deeper than 32/);
  // What stands in a text is no nesting.
  expect(parseJson(Buffer.from(JSON.stringify('[{'.repeat(100))))).toBe('[{'.repeat(100));
});

test.each([
  '',
  ' ',
  '{',
  '{}{}',
  '\ufeff\ufeff{}',
  "{'a':1}",
  '{"a":1,}',
  '[1,]',
  'NaN',
  '01',
  '"\t"',
  '{"a":undefined}',
  '//',
])('refuses %j', (text) => {
  const error = refusal(text);
  // V8 quotes what it could not read; that may be a secret.
  if (text.trim() !== '') expect(error.message).not.toContain(text);
});

test('an escaped pair is one character, and refused halves are never built', () => {
  expect(parseJson(Buffer.from('"\\ud83d\\ude00"'))).toBe('\u{1f600}');
  expect(parseJson(Buffer.from('{"\\ud83d\\ude00":"\\\\u0000"}'))).toEqual({ '\u{1f600}': '\\u0000' });
});

test('a byte order mark before the document is passed over', () => {
  expect(parseJson(Buffer.from('\ufeff{"a":"\ufeff"}'))).toEqual({ a: '\ufeff' });
});
