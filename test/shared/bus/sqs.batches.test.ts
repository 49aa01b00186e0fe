import { batchesOf, groupOf, lanesOf, queueStem, sendable, tens } from '../../../src/shared/bus/sqs.batches';

// What SQS takes, without an SQS: it counts bytes, and ten of everything.

const kib = 1024;
const entry = (text: string, key = 'k') => ({ key, text });
const sizes = (texts: readonly string[]) =>
  batchesOf(texts.map((text) => entry(text))).map((batch) => batch.map(({ text }) => Buffer.byteLength(text)));

test('ten entries at most, in their order', () => {
  const entries = Array.from({ length: 23 }, (_, i) => entry(String(i)));
  const batches = batchesOf(entries);
  expect(batches.map(({ length }) => length)).toEqual([10, 10, 3]);
  expect(batches.flat()).toEqual(entries);
  expect(batchesOf([])).toEqual([]);
});

test('256 KiB at most, in bytes and not in characters', () => {
  const latin = 'a'.repeat(64 * kib);
  const accents = 'é'.repeat(64 * kib);
  const asian = '漢'.repeat(64 * kib);
  expect(sizes([latin, latin, latin, latin, 'a'])).toEqual([Array(4).fill(64 * kib), [1]]);
  expect(sizes([accents, accents, 'a'])).toEqual([[128 * kib, 128 * kib], [1]]);
  expect(sizes([asian, latin, 'a'])).toEqual([[192 * kib, 64 * kib], [1]]);
  expect(sizes(['😀'.repeat(64 * kib), 'a'])).toEqual([[256 * kib], [1]]);
});

test('what is longer than a call may be is alone, and keeps nobody else from being sent', () => {
  const long = 'a'.repeat(257 * kib);
  expect(sizes(['a', long, 'b'])).toEqual([[1], [257 * kib], [1]]);
});

test('lanes: all of one key are in one, in their order; none is empty', () => {
  const entries = Array.from({ length: 100 }, (_, i) => entry(String(i), `key-${i % 20}`));
  const lanes = lanesOf(entries, 8);
  expect(lanes).toHaveLength(8);
  for (let key = 0; key < 20; key += 1) {
    const with_ = lanes.filter((lane) => lane.some((one) => one.key === `key-${key}`));
    expect(with_).toHaveLength(1);
    const order = with_[0]?.filter((one) => one.key === `key-${key}`).map(({ text }) => Number(text));
    expect(order).toEqual([0, 20, 40, 60, 80].map((from) => from + key));
  }
  expect(lanesOf([entry('a')], 8)).toEqual([[entry('a')]]);
  expect(lanesOf(entries, 1)).toEqual([entries]);
});

test('tens', () => {
  expect(tens(Array.from({ length: 21 }, (_, i) => i)).map(({ length }) => length)).toEqual([10, 10, 1]);
  expect(tens([])).toEqual([]);
});

test('two characters that SQS refuses are sent as JSON escapes', () => {
  const body = 'a\ufffe\uffffb\u0000é😀';
  const text = sendable(JSON.stringify(body));
  expect(text).not.toMatch(/[\ufffe\uffff]/);
  expect(JSON.parse(text)).toBe(body);
});

test.each([
  ['aerie', 'accepted-events', 'progression'],
  ['aerie', 'a.b', 'c'],
  ['aerie', 'a_b', 'c'],
  ['aerie', 'a b', 'c'],
  ['p'.repeat(40), 't'.repeat(100), 'c'.repeat(100)],
  ['p'.repeat(40), 't'.repeat(100), 'd'.repeat(100)],
  ['aerie', 'é', '漢'],
])('the queue of %s, %s and %s has a name that SQS takes', (prefix, topic, consumer) => {
  for (const ending of ['', '.fifo', '-dead', '-dead.fifo'])
    expect(queueStem(prefix, topic, consumer) + ending).toMatch(/^[\w-]{1,75}(\.fifo)?$/);
});

test('names are as they are told where SQS takes that, and differ where what is told differs', () => {
  expect(queueStem('aerie', 'accepted-events', 'progression')).toBe('aerie-accepted-events-progression');
  const odd = ['a.b', 'a b', 'a/b', 'a_b', 't'.repeat(100), `${'t'.repeat(99)}u`];
  expect(new Set(odd.map((topic) => queueStem('aerie', topic, 'c'))).size).toBe(odd.length);
});

test('a message group is the key, or stands for it', () => {
  expect(groupOf('player-1')).toBe('player-1');
  for (const key of ['', 'a b', 'é', 'x'.repeat(129), 'a\n']) expect(groupOf(key)).toMatch(/^[0-9a-f]{64}$/);
  expect(groupOf('a b')).not.toBe(groupOf('a  b'));
});
