import { HandClock } from '../../support/hand-clock';

// A wall clock that jumps is not believed for what cannot be undone, until it has run steadily for minutes.

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

let clock: HandClock;
let jumps: number[];
beforeEach(() => {
  clock = new HandClock();
  jumps = [];
  clock.tell({ jumped: (jump) => jumps.push(jump), compared: () => undefined });
  clock.sure();
});

/** Time passes, and the clock is looked at every second. */
function pass(ms: number): void {
  for (const until = clock.at + ms; clock.at < until; ) {
    clock.at = Math.min(until, clock.at + 1000);
    clock.sure();
  }
}

test('a clock that goes on as it should is sure, looked at or not', () => {
  pass(5 * minute);
  clock.at += 3 * day;
  expect([clock.sure(), clock.steady(), jumps]).toEqual([clock.now(), clock.now(), []]);
});

test.each([
  ['a second', 1000],
  ['twenty seconds back', -20_000],
  ['almost a minute', 59_000],
  ['almost a minute back', -59_000],
])('set by %s it is sure', (_what, step) => {
  clock.ahead += step;
  expect([clock.sure(), jumps]).toEqual([clock.now(), []]);
});

test.each([
  ['26 hours ahead', 26 * hour],
  ['26 hours back', -26 * hour],
  ['61 seconds ahead', 61_000],
  ['61 seconds back', -61_000],
  ['ten years', 3650 * day],
])('%s it is not sure at the first look; after three minutes on its new course it is', (_what, jump) => {
  clock.ahead += jump;
  expect([clock.sure(), jumps]).toEqual([undefined, [jump]]);
  pass(3 * minute - 1000);
  expect(clock.sure()).toBeUndefined();
  pass(1000);
  expect([clock.sure(), clock.steady(), jumps]).toEqual([clock.now(), clock.now(), [jump]]);
});

test('ahead for three seconds, and back: steady never left its course, and minutes must pass before it is sure', () => {
  const expected = (): number => clock.now() - clock.ahead;
  clock.ahead = 26 * hour;
  for (let i = 0; i < 3; i += 1) {
    pass(1000);
    expect([clock.sure(), clock.steady()]).toEqual([undefined, expected()]);
  }
  clock.ahead = 0;
  expect([clock.sure(), clock.steady(), jumps]).toEqual([undefined, expected(), [26 * hour, -26 * hour]]);
  pass(3 * minute);
  expect([clock.sure(), clock.steady()]).toEqual([expected(), expected()]);
});

test('a clock that keeps jumping is never sure', () => {
  for (let i = 0; i < 20; i += 1) {
    clock.ahead = i % 2 === 0 ? hour : 0;
    pass(2 * minute);
    expect(clock.sure()).toBeUndefined();
  }
  expect(jumps).toHaveLength(20);
});

test('small steps add up', () => {
  for (let i = 0; i < 3; i += 1) {
    clock.ahead += 25_000;
    pass(1000);
  }
  expect([clock.sure(), jumps.length]).toEqual([undefined, 1]);
});

test('a clock that is slewed, by a millisecond a second, is followed for days', () => {
  for (let i = 0; i < 3 * 24 * 60; i += 1) {
    clock.at += minute;
    clock.ahead += 60;
    expect(clock.sure()).toBe(clock.now());
  }
  expect(jumps).toEqual([]);
});

test('set back a little, steady waits until it has caught up', () => {
  const before = clock.steady();
  clock.ahead = -20_000;
  expect(clock.steady()).toBe(before);
  clock.at += 19_000;
  expect(clock.steady()).toBe(before);
  clock.at += 2000;
  expect(clock.steady()).toBe(before + 1000);
});

describe('beside a database', () => {
  test('nothing is sure before they were compared, while they are a minute apart, or while one of several is', () => {
    clock.await('postgres');
    clock.await('mysql');
    clock.compare('postgres', clock.now(), clock.now());
    expect(clock.sure()).toBeUndefined();
    clock.compare('mysql', clock.now() - 61_000, clock.now());
    expect(clock.sure()).toBeUndefined();
    clock.compare('mysql', clock.now() + 59_000, clock.now());
    expect(clock.sure()).toBe(clock.now());
    clock.compare('postgres', clock.now() + 61_000, clock.now());
    expect(clock.sure()).toBeUndefined();
  });

  test('an answer that took long proves less', () => {
    const told: [string, number, boolean][] = [];
    clock.tell({ jumped: () => undefined, compared: (...facts) => told.push(facts) });
    const began = clock.now();
    clock.at += 10_000;
    clock.compare('postgres', began - 58_000, began);
    clock.compare('postgres', began - 65_000, clock.now());
    expect(told).toEqual([
      ['postgres', 63_000, false],
      ['postgres', 75_000, true],
    ]);
  });
});
