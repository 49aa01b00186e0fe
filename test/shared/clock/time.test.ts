import fc from 'fast-check';
import { instant, toTime } from '../../../src/shared/clock/time';

// Times are RFC 3339 as libraries of all languages write it; an impossible date is no other date.

const noon = Date.UTC(2026, 10, 21, 12, 0, 0);

test.each([
  ['2026-11-21T12:00:00Z', 0],
  ['2026-11-21t12:00:00z', 0],
  ['2026-11-21T12:00:00z', 0],
  ['2026-11-21t12:00:00+00:00', 0],
  ['2026-11-21T12:00:00-00:00', 0],
  ['2026-11-21T12:00:00.5Z', 500],
  ['2026-11-21T12:00:00.123456Z', 123],
  ['2026-11-21T12:00:00.1234567Z', 123],
  ['2026-11-21T12:00:00.123456789Z', 123],
  ['2026-11-21T12:00:00.9999999999999Z', 999],
  [`2026-11-21T12:00:00.${'1'.repeat(100)}Z`, 111],
  ['2026-11-21T21:00:00+09:00', 0],
  ['2026-11-21T04:30:00.250-07:30', 250],
])('%s is a time', (text, millis) => {
  expect(instant(text)).toBe(noon + millis);
});

test.each([
  ['2026-02-30T00:00:00Z'],
  ['2026-11-21T24:00:00Z'],
  ['2026-11-21T12:60:00Z'],
  ['2026-11-21T12:00:60Z'],
  ['2026-11-21T12:00:00'],
  ['2026-11-21T12:00:00.Z'],
  ['2026-11-21T12:00:00,5Z'],
  ['2026-11-21 12:00:00Z'],
  ['2026-11-21T12:00Z'],
  ['20261121T120000Z'],
  ['2026-11-21'],
  ['2026-11-21T12:00:00+0900'],
  ['2026-11-21T12:00:00+24:00'],
  ['0000-01-01T00:00:00Z'],
  ['+002026-11-21T12:00:00Z'],
  ['2026-11-21T12:00:00Z\n'],
  ['1763726400'],
  [''],
  [`2026-11-21T12:00:00.${'1'.repeat(1000)}Z`],
])('%s is none', (text) => {
  expect(instant(text)).toBeUndefined();
});

test('whatever was said is understood again', () => {
  const range = { min: Date.UTC(1, 0, 1), max: Date.UTC(9999, 11, 31) };
  fc.assert(fc.property(fc.integer(range), (epoch) => instant(toTime(epoch)) === epoch));
});

test('a time is spelled as by Date, and what Date refuses is refused', () => {
  const same = (epoch: number): boolean => {
    const answer = (spell: () => string): string => {
      try {
        return spell();
      } catch (error) {
        return (error as Error).name;
      }
    };
    return answer(() => toTime(epoch)) === answer(() => new Date(epoch).toISOString());
  };
  for (const epoch of [0, -1, 86_399_999, 86_400_000, 1.5, -1.5, NaN, Infinity, 8.64e15, 8.64e15 + 1, -8.64e15 - 1])
    expect([epoch, same(epoch)]).toEqual([epoch, true]);
  fc.assert(fc.property(fc.integer({ min: -8.64e15, max: 8.64e15 }), same));
  fc.assert(fc.property(fc.integer({ min: 1_700_000_000_000, max: 1_900_000_000_000 }), same));
});
