import fc from 'fast-check';
import { WindowCalendar, type WindowKind, windowKinds } from '../../../src/features/leaderboard/leaderboard.calendar';
import { LeaderboardSettings } from '../../../src/features/leaderboard/leaderboard.settings';
import { settingsOf } from '../../support/settings';

function calendar(zone: string, seasons?: string): WindowCalendar {
  const environment = { LEADERBOARD_TIMEZONE: zone, ...(seasons === undefined ? {} : { SEASONS: seasons }) };
  return new WindowCalendar(settingsOf(LeaderboardSettings, environment));
}

const keyAt = (zone: string, kind: WindowKind, time: string): string | undefined =>
  calendar(zone).of(kind, Date.parse(time))?.key;

const hours = (zone: string, kind: WindowKind, key: string): number => {
  const window = calendar(zone).named(kind, key);
  return ((window?.endsAt ?? 0) - (window?.startsAt ?? 0)) / 3_600_000;
};

test.each([
  ['UTC', '2026-11-20T23:59:59.999Z', '2026-11-20'],
  ['UTC', '2026-11-21T00:00:00.000Z', '2026-11-21'],
  ['Asia/Seoul', '2026-11-20T14:59:59.999Z', '2026-11-20'],
  ['Asia/Seoul', '2026-11-20T15:00:00.000Z', '2026-11-21'],
  ['America/New_York', '2026-11-21T04:59:59.999Z', '2026-11-20'],
  ['America/New_York', '2026-11-21T05:00:00.000Z', '2026-11-21'],
  // Summer time: an hour earlier.
  ['America/New_York', '2026-07-01T03:59:59.999Z', '2026-06-30'],
  ['America/New_York', '2026-07-01T04:00:00.000Z', '2026-07-01'],
  // A zone of 45 minutes.
  ['Asia/Kathmandu', '2026-11-20T18:14:59.999Z', '2026-11-20'],
  ['Asia/Kathmandu', '2026-11-20T18:15:00.000Z', '2026-11-21'],
])('%s: %s is in the day %s', (zone, time, key) => {
  expect(keyAt(zone, 'daily', time)).toBe(key);
});

test.each([
  ['2026-12-27T23:59:59.999Z', '2026-W52'],
  ['2026-12-28T00:00:00.000Z', '2026-W53'],
  ['2027-01-03T23:59:59.999Z', '2026-W53'],
  ['2027-01-04T00:00:00.000Z', '2027-W01'],
  ['2024-12-30T00:00:00.000Z', '2025-W01'],
])('%s is in the week %s', (time, key) => {
  expect(keyAt('UTC', 'weekly', time)).toBe(key);
});

test.each([
  ['2026-09-30T23:59:59.999Z', '2026-Q3'],
  ['2026-10-01T00:00:00.000Z', '2026-Q4'],
  ['2026-12-31T23:59:59.999Z', '2026-Q4'],
  ['2027-01-01T00:00:00.000Z', '2027-Q1'],
])('%s is in the quarter %s', (time, key) => {
  expect(keyAt('UTC', 'seasonal', time)).toBe(key);
});

test('a day has 23 hours when summer time begins and 25 when it ends, and so has its week', () => {
  expect(hours('America/New_York', 'daily', '2026-03-08')).toBe(23);
  expect(hours('America/New_York', 'daily', '2026-11-01')).toBe(25);
  expect(hours('America/New_York', 'weekly', '2026-W10')).toBe(7 * 24 - 1);
  expect(hours('America/New_York', 'weekly', '2026-W44')).toBe(7 * 24 + 1);
  expect(hours('Europe/Berlin', 'daily', '2026-03-29')).toBe(23);
  expect(hours('UTC', 'daily', '2026-03-29')).toBe(24);
});

test('a day that begins at one o’clock, because midnight is skipped', () => {
  const window = calendar('Africa/Cairo').named('daily', '2026-04-24');
  expect(new Date(window?.startsAt ?? 0).toISOString()).toBe('2026-04-23T22:00:00.000Z');
  expect(keyAt('Africa/Cairo', 'daily', '2026-04-23T21:59:59.999Z')).toBe('2026-04-23');
});

test.each([
  // Clocks go back from one o'clock to midnight.
  ['America/Havana', '2026-11-01', '2026-11-01T04:00:00.000Z', 25],
  ['America/Havana', '2025-11-02', '2025-11-02T04:00:00.000Z', 25],
  ['Atlantic/Azores', '2026-10-25', '2026-10-25T00:00:00.000Z', 25],
  // From midnight to eleven: the day before is longer.
  ['Asia/Beirut', '2026-10-24', '2026-10-23T21:00:00.000Z', 25],
  ['Asia/Beirut', '2026-10-25', '2026-10-24T22:00:00.000Z', 24],
  ['America/Asuncion', '2023-03-25', '2023-03-25T03:00:00.000Z', 25],
  ['America/Asuncion', '2023-03-26', '2023-03-26T04:00:00.000Z', 24],
  // From one minute past midnight to a minute past eleven: the minute goes to the day that comes once more.
  ['America/St_Johns', '2010-11-06', '2010-11-06T02:30:00.000Z', 25],
  ['America/St_Johns', '2010-11-07', '2010-11-07T03:30:00.000Z', 24],
  // Midnight is skipped.
  ['America/Havana', '2026-03-08', '2026-03-08T05:00:00.000Z', 23],
  ['Africa/Cairo', '2026-04-24', '2026-04-23T22:00:00.000Z', 23],
  ['America/Sao_Paulo', '2018-11-04', '2018-11-04T03:00:00.000Z', 23],
  // The clocks jump over a part of midnight's hour.
  ['America/Scoresbysund', '2024-03-31', '2024-03-31T01:00:00.000Z', 24],
  ['Pacific/Apia', '2011-12-31', '2011-12-30T10:00:00.000Z', 24],
])('%s: the day %s begins at %s and has %d hours, whenever it is asked for', (zone, key, start, length) => {
  const one = calendar(zone);
  const day = one.named('daily', key);
  if (!day) throw new Error('no such day');
  expect([new Date(day.startsAt).toISOString(), hours(zone, 'daily', key)]).toEqual([start, length]);
  const minutes = (day.endsAt - day.startsAt) / 60_000;
  for (let minute = 0; minute < minutes; minute += 30)
    expect(calendar(zone).of('daily', day.startsAt + minute * 60_000)).toEqual(day);
  expect(calendar(zone).of('daily', day.startsAt - 1)?.endsAt).toBe(day.startsAt);
  expect(calendar(zone).of('daily', day.endsAt)?.startsAt).toBe(day.endsAt);
  for (const kind of windowKinds) {
    const [early, late] = [day.startsAt, day.endsAt - 1].map((instant) => calendar(zone).of(kind, instant));
    expect(early).toEqual(late);
  }
  const season = calendar(zone, `s1:${key}/${key}`).of('seasonal', day.endsAt - 1);
  expect(season).toMatchObject({ key: 's1', startsAt: day.startsAt, endsAt: day.endsAt });
});

test('a day that a zone left out has no board', () => {
  expect(calendar('Pacific/Apia').named('daily', '2011-12-30')).toBeUndefined();
  expect(hours('Pacific/Apia', 'weekly', '2011-W52')).toBe(6 * 24);
});

test('seasons: the last day belongs to them, in the zone; between them there is none', () => {
  // A new calendar for each question: one that was asked before knows the whole season.
  const seasons = () => calendar('Asia/Seoul', 's2:2026-12-01/2026-12-31,s1:2026-10-01/2026-11-20');
  const keyOf = (time: string): string | undefined => seasons().of('seasonal', Date.parse(time))?.key;
  expect(keyOf('2026-09-30T14:59:59.999Z')).toBeUndefined();
  expect(keyOf('2026-09-30T15:00:00.000Z')).toBe('s1');
  expect(keyOf('2026-11-20T14:59:59.999Z')).toBe('s1');
  expect(keyOf('2026-11-20T15:00:00.000Z')).toBeUndefined();
  expect(keyOf('2026-11-30T15:00:00.000Z')).toBe('s2');
  expect(seasons().named('seasonal', '2026-Q4')).toBeUndefined();
  expect(
    seasons()
      .at(Date.parse('2026-11-25T00:00:00Z'))
      .map(({ kind }) => kind),
  ).toEqual(['daily', 'weekly']);
});

test.each<[WindowKind, string]>([
  ['daily', '2026-02-30'],
  ['daily', '2026-2-3'],
  ['daily', '2026-W47'],
  ['weekly', '2026-W54'],
  ['weekly', '2025-W53'],
  ['weekly', '2026-W00'],
  ['weekly', '2026-W7'],
  ['weekly', '2026-11-21'],
  ['seasonal', '2026-Q5'],
  ['seasonal', 's1'],
  ['daily', ''],
])('%s has no window %s', (kind, key) => {
  expect(calendar('UTC').named(kind, key)).toBeUndefined();
});

test('windows follow each other without a gap, hold what they should, and are found by their key', () => {
  const zones = ['UTC', 'Asia/Seoul', 'America/New_York', 'Africa/Cairo', 'Australia/Lord_Howe', 'Pacific/Apia'];
  zones.push('America/Havana', 'Atlantic/Azores', 'Asia/Beirut', 'America/Asuncion', 'America/St_Johns', 'Asia/Tehran');
  const instants = fc.integer({ min: Date.UTC(2011, 0, 1), max: Date.UTC(2040, 0, 1) });
  fc.assert(
    fc.property(fc.constantFrom(...zones), fc.constantFrom(...windowKinds), instants, (zone, kind, instant) => {
      const one = calendar(zone);
      const window = one.of(kind, instant);
      if (!window) throw new Error('no window');
      expect(window.startsAt <= instant && instant < window.endsAt).toBe(true);
      expect(one.named(kind, window.key)).toEqual(window);
      expect(one.of(kind, window.endsAt)?.startsAt).toBe(window.endsAt);
      expect(one.of(kind, window.startsAt - 1)?.endsAt).toBe(window.startsAt);
    }),
    { numRuns: 500 },
  );
});
