import fc from 'fast-check';
import { personName } from '../../../src/shared/text/person-name';
import { isPlain } from '../../../src/shared/text/plain';

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.string({ unit: 'grapheme', maxLength: 80 }),
  // Each becomes several when it is composed.
  fc
    .array(fc.constantFrom('\uFB1D', '\u{1D160}', '\u0344', '\u212B', ' ', 'e\u0301'), { maxLength: 90 })
    .map((all) => all.join('')),
);

test('a name is stored as it was checked: stored again it stays, in its column, and can be seen', () => {
  fc.assert(
    fc.property(text, (sent) => {
      const kept = personName.safeParse(sent).data;
      if (kept === undefined) return;
      expect(personName.parse(kept)).toBe(kept);
      expect([kept.normalize('NFC'), kept.trim(), isPlain(kept)]).toEqual([kept, kept, true]);
      expect([...kept].length).toBeLessThanOrEqual(64);
      expect(kept).not.toBe('');
    }),
    { numRuns: 5000 },
  );
});

test.each([
  ['65 characters that were 22', '\u{1D160}'.repeat(22)],
  ['too many to be looked at', 'e\u0301'.repeat(129)],
])('%s are refused', (_what, name) => {
  expect(personName.safeParse(name).error?.issues).toMatchObject([{ message: 'must have at most 64 characters' }]);
});
