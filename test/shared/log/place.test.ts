import fc from 'fast-check';
import { countAhead, hasPassed, type Numbered, type Place, passing } from '../../../src/shared/log/place';

// SPEC 2: place and what lies ahead of it say exactly which events of the log were passed.

const nowhere: Place = { seq: 0, id: '', ahead: [] };

/** A log in which some numbers stay unused. */
const logs = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 60 }).map((steps) => {
  let seq = 0;
  return steps.map((step): Numbered => {
    const afterSeq = seq;
    seq += step;
    return { seq, afterSeq, id: `e-${seq}` };
  });
});

/** Groups in any order, some events twice or never. */
const cases = logs.chain((log) =>
  fc.record({ log: fc.constant(log), groups: fc.array(fc.subarray(log, { minLength: 1 }), { maxLength: 12 }) }),
);

test('whatever comes in whatever order: exactly those that came have been passed', () => {
  fc.assert(
    fc.property(cases, ({ log, groups }) => {
      const place = groups.reduce(passing, nowhere);
      const came = new Set(groups.flat().map(({ seq }) => seq));
      for (const { seq } of log) expect([seq, hasPassed(place, seq)]).toEqual([seq, came.has(seq)]);
      // The place is the last event before the first one that is missing.
      const missing = log.findIndex(({ seq }) => !came.has(seq));
      const last = missing < 0 ? log.at(-1) : log[missing - 1];
      expect([place.seq, place.id]).toEqual([last?.seq ?? 0, last?.id ?? '']);
      for (const [i, { after, to, id }] of place.ahead.entries()) {
        expect(after).toBeGreaterThan(place.ahead[i - 1]?.to ?? place.seq);
        expect([to > after, id]).toEqual([true, `e-${to}`]);
      }
    }),
  );
});

test('it never goes back, and passing again changes nothing', () => {
  fc.assert(
    fc.property(cases, ({ groups }) => {
      const place = groups.reduce(passing, nowhere);
      for (const group of groups) expect(passing(place, group)).toEqual(place);
    }),
  );
});

test('numbers that stay unused do not count as passed by others, and close with the event behind them', () => {
  const place = passing(nowhere, [{ seq: 9, afterSeq: 7, id: 'nine' }]);
  expect([place.seq, countAhead(place)]).toEqual([0, 2]);
  expect(passing(place, [{ seq: 7, afterSeq: 0, id: 'seven' }])).toEqual({ seq: 9, id: 'nine', ahead: [] });
});
