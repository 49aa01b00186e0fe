import { normal, type Random, type Told, toldIn } from './closed-loop';

// What is foretold, against what happens then: in every kind of line the median is about the middle, and nine of ten wait no
// longer than the ninth decile says.

type Hold = (random: Random, now: number) => number;
const alike: Hold = (random) => 10_000 * (1 + 0.1 * normal(random));
const usual: Hold = (random) => 9000 * Math.exp(0.3 * normal(random));
const uneven: Hold = (random) => 8000 * Math.exp(0.7 * normal(random));
const memoryless: Hold = (random) => -10_000 * Math.log(random());
const someRunOut: Hold = (random) => (random() < 0.3 ? 60_000 : 8000 * Math.exp(0.4 * normal(random)));
const slower: Hold = (random, now) => (now > 60_000 ? 2 : 1) * 9000 * Math.exp(0.3 * normal(random));
const faster: Hold = (random, now) => (now > 60_000 ? 0.5 : 1) * 9000 * Math.exp(0.3 * normal(random));

const [opening, later] = [seconds(1, 30), seconds(60, 90)];
const drop = { people: 1500, places: 100 };

function seconds(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => (from + i) * 1000);
}

function told(hold: Hold, times: readonly number[], room = drop, absent = 0): Told[] {
  return Array.from({ length: 8 }, (_, i) => toldIn({ seed: i + 1, hold, absent, ...room }, times)).flat();
}

/** Which part of them waited no longer than they were told. */
function held(all: readonly Told[], which: 'p50' | 'p90'): number {
  return all.filter((one) => one.waited <= one[which]).length / all.length;
}

function expectCalibrated(all: readonly Told[]): void {
  expect(all.length).toBeGreaterThan(300);
  expect(held(all, 'p50')).toBeGreaterThanOrEqual(0.25);
  expect(held(all, 'p50')).toBeLessThanOrEqual(0.75);
  expect(held(all, 'p90')).toBeGreaterThanOrEqual(0.85);
  // Whoever says an hour is always right, and of no use.
  expect(all.reduce((sum, { p90, waited }) => sum + p90 / Math.max(5, waited), 0) / all.length).toBeLessThan(2);
}

test('1500 people, 100 places: while the places are filled first nobody is told anything', () => {
  for (const hold of [alike, usual, uneven]) expect(told(hold, [500, 1000, 2000, 5000, 5500])).toEqual([]);
});

test.each([
  ['all alike, in bursts', alike],
  ['as usual', usual],
  ['uneven', uneven],
  ['without memory', memoryless],
])('the opening of a drop, %s: what is told in the first half minute holds', (_, hold) => {
  expectCalibrated(told(hold, opening));
  const all = told(hold, [20_000]);
  if (all.length > 0) expect(held(all, 'p90')).toBeGreaterThanOrEqual(0.85);
});

test.each([
  ['a hundred places', usual, drop, 0],
  ['a hundred places in bursts', alike, drop, 0],
  ['ten places', uneven, { people: 400, places: 10 }, 0],
  ['ten places and half of all absent', usual, { people: 600, places: 10 }, 0.5],
  ['one place', usual, { people: 60, places: 1 }, 0],
  ['a thousand places, of which not every admission is kept', usual, { people: 12_000, places: 1000 }, 0],
])('a line that goes on, %s', (_, hold, room, absent) => {
  expectCalibrated(told(hold, later, room, absent));
});

test('while the places of those who let them run out were not given again nobody is told of the quick ones alone', () => {
  expect(told(someRunOut, seconds(10, 55))).toEqual([]);
  expect(held(told(someRunOut, seconds(65, 90)), 'p90')).toBeGreaterThanOrEqual(0.85);
});

test('two cycles after all became slower, or faster, it is told', () => {
  expect(held(told(slower, seconds(100, 110)), 'p90')).toBeGreaterThanOrEqual(0.85);
  const all = told(faster, seconds(85, 95));
  expect(held(all, 'p90')).toBeGreaterThanOrEqual(0.85);
  expect(held(all, 'p50')).toBeLessThanOrEqual(0.9);
});
