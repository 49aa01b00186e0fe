import { z } from 'zod';
import { HttpParts, mergeParts } from '../../../src/shared/contract/http-parts';
import { bareKey } from '../../../src/shared/contract/idempotency-key';
import { idempotencyKey } from '../../../src/shared/contract/schemas';
import { AppError } from '../../../src/shared/errors/app-error';
import { parseQuery } from '../../../src/shared/http/http.server';

// A URL is only another spelling of an RPC: text becomes what the schema says, in one spelling each.

const schema = z.strictObject({
  id: z.string(),
  size: z.number().optional(),
  twice: z.number().optional().default(1),
  flag: z.boolean().optional(),
  name: z.string().optional(),
});

function merged(query: string, body?: unknown, path: Record<string, string> = { id: 'a' }): Record<string, unknown> {
  return mergeParts(new HttpParts(path, parseQuery(query), body, { inQuery: body === undefined }), schema);
}

function refusedFields(query: string, body?: unknown, path?: Record<string, string>): string[] {
  try {
    merged(query, body, path);
  } catch (error) {
    if (error instanceof AppError && error.code === 'validation_failed')
      return (error.details.fields ?? []).map(({ field, message }) => `${field} ${message}`);
    throw error;
  }
  return [];
}

test.each([
  ['0', 0],
  ['1', 1],
  ['-1', -1],
  ['9007199254740991', 9_007_199_254_740_991],
  ['-9007199254740991', -9_007_199_254_740_991],
])('%s is a number', (text, value) => {
  expect(merged(`size=${text}&twice=${text}`)).toEqual({ id: 'a', size: value, twice: value });
});

test.each([
  ...['', '01', '+1', '-0', '1.0', '1.', '.5', '1e3', '0x10', '0b1', '1_000', ' 1', '1 ', '1\n', '\uFF11', '٣', 'NaN'],
  ...['Infinity', '99999999999999999', 'null', 'true'],
])('%j stays text, which the schema refuses', (text) => {
  const message = merged(new URLSearchParams({ size: text }).toString());
  expect(message.size).toBe(text);
  expect(schema.safeParse(message).success).toBe(false);
});

test('true and false are booleans in this one spelling', () => {
  expect([merged('flag=true').flag, merged('flag=false').flag]).toEqual([true, false]);
  for (const text of ['TRUE', 'True', '1', '0', 'yes', 'on', '']) expect(merged(`flag=${text}`).flag).toBe(text);
});

test('texts stay texts, whatever they look like', () => {
  expect(merged('name=12', undefined, { id: '7' })).toEqual({ id: '7', name: '12' });
  expect(merged('name=true').name).toBe('true');
});

test('body values are taken as they are: "1" is no number', () => {
  expect(merged('', { size: '1', flag: 'true' })).toEqual({ id: 'a', size: '1', flag: 'true' });
});

test('one name in two places is refused by name', () => {
  expect(refusedFields('id=b')).toEqual(['id is given in two places']);
  expect(refusedFields('', { id: 'a' })).toEqual(['id is given in two places']);
  expect(refusedFields('size=1', { size: 1 })).toEqual(['size is not taken from the query: it belongs into the body']);
});

test('a repeated query name is refused by name, also with one value and however spelled', () => {
  expect(refusedFields('size=1&size=1')).toEqual(['size is given more than once']);
  expect(refusedFields('size=1&s%69ze=2&size=3')).toEqual(['size is given more than once']);
  expect(merged('size[]=1')).toEqual({ id: 'a', 'size[]': '1' });
});

test('names of trackers are passed over in public reads, and nowhere else', () => {
  const query = parseQuery('size=1&utm_source=mail&utm_source=again&_=1732');
  const spread = (tracked: boolean) => new HttpParts({ id: 'a' }, query, undefined, { inQuery: true, tracked });
  expect(mergeParts(spread(true), schema)).toEqual({ id: 'a', size: 1 });
  expect(() => mergeParts(spread(false), schema)).toThrow('utm_source: is given more than once');
});

test('a read takes no body, and says so', () => {
  const parts = new HttpParts({ id: 'a' }, {}, { size: 1 }, { inQuery: true });
  expect(() => mergeParts(parts, schema)).toThrow('body: is not taken by this call');
});

test('null in a patch clears what may be cleared, beside what is listed', () => {
  const clear = z.array(z.enum(['name', 'flag'])).default([]);
  const patched = (body: object) =>
    mergeParts(new HttpParts({ id: 'a' }, {}, body, { inQuery: false, patch: true }), schema.extend({ clear }));
  expect(patched({ name: null, size: 1 })).toEqual({ id: 'a', size: 1, clear: ['name'] });
  expect(patched({ name: null, clear: ['flag'] })).toEqual({ id: 'a', clear: ['flag', 'name'] });
  expect(() => patched({ size: null })).toThrow('size: cannot be cleared');
});

test('of thousands of names some are kept, and one that no call has', () => {
  const query = parseQuery(Array.from({ length: 8000 }, (_, i) => `utm_${i % 3}`).join('&'));
  const parts = new HttpParts({ id: 'a' }, query, undefined, { inQuery: true, tracked: true });
  expect(Object.values(query).flat().length).toBeLessThan(100);
  expect(schema.safeParse(mergeParts(parts, schema)).error?.issues).toEqual([
    expect.objectContaining({ code: 'unrecognized_keys', keys: ['more than 64 names'] }),
  ]);
});

test.each([[[]], ['text'], [1], [null], [true]])('a body that is %j is refused', (body) => {
  expect(refusedFields('', body)).toEqual(['body must be an object']);
});

test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
  'the name %s is unknown like any other',
  (name) => {
    const message = merged(`${name}=1`);
    expect(Object.keys(message)).toContain(name);
    expect(schema.safeParse(message).error?.issues).toEqual([
      expect.objectContaining({ code: 'unrecognized_keys', keys: [name] }),
    ]);
  },
);

test('a key is the same quoted and bare', () => {
  expect([bareKey('"a.b"'), bareKey('a.b')]).toEqual(['a.b', 'a.b']);
  for (const half of ['"', '"a']) expect(idempotencyKey.safeParse(bareKey(half)).success).toBe(false);
});
